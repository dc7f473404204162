//! Nanoseconds an update: a batch between roles there and back, and a gateway's columns in.

#![expect(clippy::unwrap_used, reason = "the bench made the bytes itself")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kerb_geometry::LatLng;
use kerb_ports::{Batch, Slot, Update};
use kerb_proto::convert::Columns;
use kerb_proto::{internal, v1};
use kerb_types::{IndexedStatus, Millis, Motion, ShardId, Timestamp, UpdateVersion};
use prost::Message;

const ROWS: u32 = 4_096;
const NOW_MS: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Scattered over a city: a golden-ratio sequence, so that no two rows share their bytes.
fn scatter(i: u32) -> u32 {
    i.wrapping_mul(2_654_435_769)
}

fn point(i: u32) -> LatLng {
    LatLng::from_e7(525_000_000 + (scatter(i) >> 12) as i32, 134_000_000 + (scatter(i + 7) >> 11) as i32)
        .unwrap()
}

fn batch() -> Batch {
    let update = |i: u32| Update {
        slot: Slot::new(scatter(i) >> 12),
        shard: ShardId((scatter(i) >> 22) as u16),
        position: point(i),
        update_version: UpdateVersion {
            sequence: 1_000 + u64::from(i % 700),
            time: NOW_MS - Millis::new(i64::from(i % 3_000)),
        },
        motion: Motion { heading_cdeg: (i * 9 % 36_000) as u16, speed_cmps: (i % 2_500) as u16 },
        status: IndexedStatus::Available,
    };
    Batch { updates: (0..ROWS).map(update).collect(), ..Batch::default() }
}

fn columns() -> v1::PositionColumns {
    let rows = 0..ROWS;
    v1::PositionColumns {
        handle: rows.clone().collect(),
        latitude_e7: rows.clone().map(|i| point(i).lat_e7()).collect(),
        longitude_e7: rows.clone().map(|i| point(i).lon_e7()).collect(),
        sequence: rows.clone().map(|i| 1_000 + u64::from(i % 700)).collect(),
        base_time_ms: NOW_MS.as_millis(),
        time_offset_ms: rows.clone().map(|i| i % 3_000).collect(),
        heading_cdeg: rows.clone().map(|i| i * 9 % 36_000).collect(),
        speed_cmps: rows.clone().map(|i| i % 2_500).collect(),
        accuracy_dm: rows.clone().map(|i| i % 100).collect(),
        status: rows.map(|_| 1).collect(),
    }
}

fn decode_batch(wire: Bytes) -> Batch {
    internal::v1::Batch::decode(wire).unwrap().try_into().unwrap()
}

fn decode_columns(wire: Bytes) -> u64 {
    let columns = Columns::try_from(v1::PositionColumns::decode(wire).unwrap()).unwrap();
    columns.rows().map(|(handle, row)| u64::from(handle) + row.unwrap().update_version.sequence).sum()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(u64::from(ROWS)));
    let batch = batch();
    let encode = || Bytes::from(internal::v1::Batch::from(&batch).encode_to_vec());
    let wire = encode();
    group.bench_function("encode", |b| b.iter(|| black_box(encode())));
    group.bench_function("decode", |b| b.iter(|| black_box(decode_batch(wire.clone()))));
    group.bench_function("encode_decode", |b| b.iter(|| black_box(decode_batch(encode()))));
    let wire = Bytes::from(columns().encode_to_vec());
    group.bench_function("columns_decode", |b| b.iter(|| black_box(decode_columns(wire.clone()))));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
