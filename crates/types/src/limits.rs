//! Named limits on what a caller may ask or send. Every check of a public value names one of these.

use crate::Millis;

/// Maximum bytes of a driver id.
pub const DRIVER_ID_BYTES_MAX: usize = 64;
/// Maximum bytes of a rider id.
pub const RIDER_ID_BYTES_MAX: usize = 64;
/// Maximum bytes of the idempotency key of a request.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 64;
/// Maximum bytes of the free text with which a driver or a rider declines, cancels or ends a trip.
pub const REASON_BYTES_MAX: usize = 200;
/// Maximum drivers whose locations one message between roles asks for.
pub const LOCATIONS_MAX: usize = 10_000;
/// Maximum bytes of a node id, or of the name of a market, a vehicle class or a capability.
pub const NAME_BYTES_MAX: usize = 32;
/// Maximum vehicle classes in a catalog: the index stores a class in 6 bits.
pub const VEHICLE_CLASSES_MAX: usize = 64;
/// Maximum capabilities in a catalog: the index stores them as 16 bits.
pub const CAPABILITIES_MAX: usize = 16;
/// Maximum `k` of a nearest search.
pub const NEIGHBORS_MAX: u32 = 1_000;
/// Maximum radius of a search in meters: half of the Earth's circumference, so the whole globe.
pub const RADIUS_MAX_M: f64 = 20_037_508.0;
/// Maximum searches in one batch call.
pub const BATCH_SEARCHES_MAX: usize = 1_000;
/// Maximum drivers that all searches of one batch call may return together.
pub const BATCH_DRIVERS_MAX: u64 = 100_000;
/// Maximum drivers on one page.
pub const PAGE_SIZE_MAX: u32 = 10_000;
/// Drivers on one page if the caller sets no page size.
pub const PAGE_SIZE_DEFAULT: u32 = 1_000;
/// Maximum rows of one batch, public or between roles.
pub const BATCH_ROWS_MAX: usize = 65_536;
/// Maximum rows of one call that sets street speeds.
pub const SPEED_ROWS_MAX: usize = 500_000;
/// A position's time may be ahead of the server's clock by at most this, in milliseconds.
pub const TIME_AHEAD_MAX_MS: Millis = Millis::new(10_000);
/// Maximum speed over ground in meters per second. A fast helicopter reaches 90.
pub const SPEED_MAX_MPS: f32 = 200.0;
/// Maximum accuracy radius of a position in meters.
pub const ACCURACY_MAX_M: f32 = 100_000.0;
/// Finest H3 resolution of cells in a response.
pub const H3_RESOLUTION_MAX: u32 = 15;
/// Maximum virtual shards of a cluster.
pub const SHARDS_MAX: u16 = 16_384;
/// Virtual shards of a cluster if nothing is configured.
pub const SHARDS_DEFAULT: u16 = 1_024;
/// Maximum bytes of one gRPC message.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
