//! Named limits of what a caller may ask or send. Every check of a public value names one of these.

/// Bytes of a driver id, at most.
pub const DRIVER_ID_BYTES_MAX: usize = 64;
/// Bytes of a rider id, at most.
pub const RIDER_ID_BYTES_MAX: usize = 64;
/// Bytes of a request's idempotency key, at most.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 64;
/// Bytes of the words in which somebody declines, cancels or ends a trip, at most.
pub const REASON_BYTES_MAX: usize = 200;
/// Drivers whose locations are asked for in one message between roles, at most.
pub const LOCATIONS_MAX: usize = 10_000;
/// Bytes of a node id, a market's name, a class name or a capability name, at most.
pub const NAME_BYTES_MAX: usize = 32;
/// Vehicle classes in a catalog, at most: a class is 6 bits in the index.
pub const VEHICLE_CLASSES_MAX: usize = 64;
/// Capabilities in a catalog, at most: they are 16 bits in the index.
pub const CAPABILITIES_MAX: usize = 16;
/// Neighbours of one nearest search, at most.
pub const NEIGHBOURS_MAX: u32 = 1_000;
/// Radius of a search, at most: half the circumference of the earth, so the whole world.
pub const RADIUS_MAX_M: f64 = 20_037_508.0;
/// Searches of one call, at most.
pub const BATCH_SEARCHES_MAX: usize = 1_000;
/// Drivers that the searches of one call ask for in sum, at most.
pub const BATCH_DRIVERS_MAX: u64 = 100_000;
/// Drivers on one page, at most.
pub const PAGE_SIZE_MAX: u32 = 10_000;
/// Drivers on one page when the caller names no size.
pub const PAGE_SIZE_DEFAULT: u32 = 1_000;
/// Rows of one batch, public or between roles, at most.
pub const BATCH_ROWS_MAX: usize = 65_536;
/// Rows of one call that sets speeds of streets, at most.
pub const SPEED_ROWS_MAX: usize = 500_000;
/// A position's time may be this far ahead of the server's clock.
pub const TIME_AHEAD_MAX_MS: i64 = 10_000;
/// Speed over ground, at most (a fast helicopter is 90).
pub const SPEED_MAX_MPS: f32 = 200.0;
/// Accuracy radius, at most.
pub const ACCURACY_MAX_M: f32 = 100_000.0;
/// Finest H3 resolution that may be asked for.
pub const H3_RESOLUTION_MAX: u32 = 15;
/// Virtual shards, at most.
pub const SHARDS_MAX: u16 = 16_384;
/// Virtual shards when nothing is configured.
pub const SHARDS_DEFAULT: u16 = 1_024;
/// Bytes of one gRPC message, at most.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
