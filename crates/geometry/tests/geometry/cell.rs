//! Morton codes, cells and tiles: exact arithmetic, no gaps between neighbors, and the geohash.

use kerb_geometry::{Cell, LatLng, Morton, Tile, distance_m};
use proptest::prelude::*;

use crate::points::{any_scale, config, deg, e7, inside, position, step};

/// Computes a geohash (Niemeyer 2008) by its definition: it halves intervals of degrees.
fn geohash(position: LatLng, characters: usize) -> String {
    let alphabet: Vec<char> = "0123456789bcdefghjkmnpqrstuvwxyz".chars().collect();
    let (mut lon, mut lat) = ((-180.0, 180.0), (-90.0, 90.0));
    let bits: Vec<usize> = (0..5 * characters)
        .map(|bit| {
            let (range, value) =
                if bit % 2 == 0 { (&mut lon, position.lon_deg()) } else { (&mut lat, position.lat_deg()) };
            let middle = f64::midpoint(range.0, range.1);
            let upper = value >= middle;
            *range = if upper { (middle, range.1) } else { (range.0, middle) };
            usize::from(upper)
        })
        .collect();
    bits.chunks(5).map(|five| alphabet[five.iter().fold(0, |number, bit| 2 * number + bit)]).collect()
}

/// Writes the first bits of a Morton code in the geohash alphabet.
fn geohash_of_code(code: u64, characters: usize) -> String {
    let alphabet: Vec<char> = "0123456789bcdefghjkmnpqrstuvwxyz".chars().collect();
    (0..characters).map(|index| alphabet[(code >> (59 - 5 * index)) as usize & 31]).collect()
}

/// Computes a Morton code by its definition: two bits at a time, with 128-bit numbers.
fn morton_by_bits(position: LatLng) -> u64 {
    let x = ((i128::from(position.lon_e7()) + 1_800_000_000) << 32) / 3_600_000_000;
    let y = (((i128::from(position.lat_e7()) + 900_000_000) << 32) / 1_800_000_000).min(u32::MAX.into());
    (0..32).fold(0, |code, bit| {
        let (x_bit, y_bit) = ((x >> bit) as u64 & 1, (y >> bit) as u64 & 1);
        code | x_bit << (2 * bit + 1) | y_bit << (2 * bit)
    })
}

#[test]
fn a_published_geohash_is_reproduced() {
    // The example in the description of the geohash: 57.64911, 10.40744 is u4pruydqqvj.
    let code = Morton::from(deg(57.649_11, 10.407_44));
    assert_eq!(geohash_of_code(code.0, 11), "u4pruydqqvj");
}

#[test]
fn the_corners_of_the_globe_have_the_first_and_last_codes() {
    assert_eq!(Morton::from(e7(-900_000_000, -1_800_000_000)), Morton(0));
    assert_eq!(Morton::from(e7(900_000_000, 1_799_999_999)).0 >> 2, u64::MAX >> 2);
    let globe = Cell::ROOT.bounds();
    assert_eq!((globe.south_e7(), globe.north_e7()), (-900_000_000, 900_000_000));
    assert_eq!((globe.west_e7(), globe.east_e7()), (-1_800_000_000, 1_800_000_000));
    assert_eq!(Cell::ROOT.parent(), None);
    assert_eq!((Cell::ROOT.first(), Cell::ROOT.last()), (Morton(0), Morton(u64::MAX)));
}

#[test]
fn a_number_is_a_tile_or_is_rejected() {
    assert_eq!(Tile::from_u32(3).map(Tile::as_u32), Some(3));
    // The southernmost row has four tiles; there are 4096 rows.
    assert_eq!(Tile::from_u32(4), None);
    assert_eq!(Tile::from_u32(4096 << 12), None);
    assert_eq!(Tile::from_u32(u32::MAX), None);
}

#[test]
fn tiles_are_five_to_ten_kilometers_wide() {
    // The last rows are left out: there, a tile is a sector of the polar cap.
    for tenth in -895..=895 {
        let tile = Tile::of(deg(f64::from(tenth) / 10.0, 13.4)).bounds();
        let equatorward = tile.south_e7().clamp(0, tile.north_e7().max(0));
        let equatorward = if equatorward == 0 { tile.north_e7().min(0) } else { equatorward };
        let width_m = distance_m(e7(equatorward, tile.west_e7()), e7(equatorward, tile.east_e7()));
        let height_m = distance_m(e7(tile.south_e7(), 0), e7(tile.north_e7(), 0));
        assert!((4_880.0..9_790.0).contains(&width_m), "{width_m} m at {tenth} tenths of a degree");
        assert!((4_885.0..4_888.0).contains(&height_m), "{height_m} m at {tenth} tenths of a degree");
    }
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn share_agrees_with_the_cells_of_the_codes(
        a in position(),
        lat in any_scale(30),
        lon in any_scale(31),
        level in 0..=Cell::MAX_LEVEL,
    ) {
        let b = step(a, lat, lon);
        prop_assert_eq!(Cell::share(a, b, level), Cell::of(Morton::from(a), level).contains(Morton::from(b)));
    }

    #[test]
    fn codes_equal_their_definition(position in position()) {
        prop_assert_eq!(Morton::from(position).0, morton_by_bits(position));
    }

    #[test]
    fn geohashes_of_even_length_are_cells(position in position()) {
        let code = Morton::from(position);
        for characters in [2, 4, 6, 8] {
            let cell = Cell::of(code, (5 * characters / 2) as u8);
            prop_assert_eq!(geohash_of_code(cell.first().0, characters), geohash(position, characters));
        }
        // A geohash of odd length ends between two levels.
        prop_assert_eq!(geohash_of_code(code.0, 7), geohash(position, 7));
    }

    #[test]
    fn a_cell_contains_exactly_its_range_of_codes(position in position(), level in 0..=32_u8) {
        let code = Morton::from(position);
        let cell = Cell::of(code, level);
        prop_assert_eq!(cell.level(), level);
        prop_assert!(cell.contains(code) && cell.bounds().contains(position));
        prop_assert!((cell.first()..=cell.last()).contains(&code));
        if let Some(parent) = cell.parent() {
            prop_assert!(parent.contains(code) && parent < cell);
            prop_assert_eq!(parent.child_index(code), cell.index_in_parent());
            prop_assert_eq!(parent.child(cell.index_in_parent()), cell);
        }
    }

    #[test]
    fn children_divide_their_parent(position in position(), level in 0..32_u8) {
        let cell = Cell::of(Morton::from(position), level);
        let children = [0, 1, 2, 3].map(|index| cell.child(index));
        prop_assert_eq!(children[0].first(), cell.first());
        prop_assert_eq!(children[3].last(), cell.last());
        prop_assert!(children.windows(2).all(|pair| pair[0].last().0 + 1 == pair[1].first().0));
        prop_assert!(children.iter().all(|child| child.parent() == Some(cell)));
        let edges = |cell: Cell| {
            let bounds = cell.bounds();
            [bounds.south_e7(), bounds.north_e7(), bounds.west_e7(), bounds.east_e7()]
        };
        let ([south, _, west, _], [_, north, _, east]) = (edges(children[0]), edges(children[3]));
        prop_assert_eq!([south, north, west, east], edges(cell));
    }

    #[test]
    fn the_box_of_a_cell_is_at_most_one_step_too_large(position in position(), level in 0..=20_u8, up in 0.0..=1.0_f64) {
        let cell = Cell::of(Morton::from(position), level);
        let bounds = cell.bounds();
        let within = inside(&bounds, up, up);
        let last = e7(within.lat_e7().min(bounds.north_e7() - 1), within.lon_e7().min(bounds.east_e7() - 1));
        let first = e7(last.lat_e7().max(bounds.south_e7() + 1), last.lon_e7().max(bounds.west_e7() + 1));
        prop_assert!(cell.contains(Morton::from(first)));
    }

    #[test]
    fn the_common_ancestor_is_the_deepest_shared_cell(a in position(), b in position(), near in 0..=64_u32) {
        let a = Morton::from(a);
        // Most random pairs share a short prefix only. This gives them a shared prefix of any length.
        let b = Morton(a.0 ^ (a.0 ^ Morton::from(b).0).checked_shr(near).unwrap_or(0));
        let cell = Cell::common_ancestor(a, b);
        prop_assert!(cell.contains(a) && cell.contains(b));
        prop_assert!(cell.level() == 32 || cell.child_index(a) != cell.child_index(b));
    }

    #[test]
    fn tiles_are_runs_of_cells_of_level_12(position in position()) {
        let tile = Tile::of(position);
        prop_assert!(tile.bounds().contains(position));
        prop_assert_eq!(Tile::from_u32(tile.as_u32()), Some(tile));
        let (cell, bounds) = (Cell::of(Morton::from(position), 12).bounds(), tile.bounds());
        prop_assert_eq!((cell.south_e7(), cell.north_e7()), (bounds.south_e7(), bounds.north_e7()));
        prop_assert!(bounds.west_e7() <= cell.west_e7() && cell.east_e7() <= bounds.east_e7());
    }
}
