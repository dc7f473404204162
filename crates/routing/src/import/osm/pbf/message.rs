//! The messages of the PBF format, with the fields that streets need. `prost` skips all other fields.
//!
//! The field numbers are those of `fileformat.proto` and `osmformat.proto` of the OpenStreetMap PBF format.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct BlobHeader {
    #[prost(string, tag = "1")]
    pub kind: String,
    #[prost(int32, tag = "3")]
    pub datasize: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Blob {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub raw: Option<Vec<u8>>,
    #[prost(int32, tag = "2")]
    pub raw_size: i32,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub zlib: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub lzma: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub bzip2: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub lz4: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub zstd: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct HeaderBlock {
    #[prost(string, repeated, tag = "4")]
    pub required_features: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PrimitiveBlock {
    #[prost(message, required, tag = "1")]
    pub strings: StringTable,
    #[prost(message, repeated, tag = "2")]
    pub groups: Vec<PrimitiveGroup>,
    #[prost(int32, optional, tag = "17", default = "100")]
    pub granularity: Option<i32>,
    #[prost(int64, optional, tag = "19", default = "0")]
    pub lat_offset: Option<i64>,
    #[prost(int64, optional, tag = "20", default = "0")]
    pub lon_offset: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StringTable {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub strings: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PrimitiveGroup {
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<Node>,
    #[prost(message, optional, tag = "2")]
    pub dense: Option<DenseNodes>,
    #[prost(message, repeated, tag = "3")]
    pub ways: Vec<WayMessage>,
    #[prost(message, repeated, tag = "4")]
    pub relations: Vec<Relation>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(sint64, tag = "1")]
    pub id: i64,
    #[prost(uint32, repeated, tag = "2")]
    pub keys: Vec<u32>,
    #[prost(uint32, repeated, tag = "3")]
    pub values: Vec<u32>,
    #[prost(message, optional, tag = "4")]
    pub info: Option<Info>,
    #[prost(sint64, tag = "8")]
    pub lat: i64,
    #[prost(sint64, tag = "9")]
    pub lon: i64,
}

/// The version of an object.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Info {
    #[prost(int32, optional, tag = "1", default = "-1")]
    pub version: Option<i32>,
    #[prost(bool, optional, tag = "6")]
    pub visible: Option<bool>,
}

/// The versions of dense nodes. Both lists are empty or as long as the list of nodes.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DenseInfo {
    #[prost(int32, repeated, tag = "1")]
    pub versions: Vec<i32>,
    #[prost(bool, repeated, tag = "6")]
    pub visible: Vec<bool>,
}

/// Nodes in columns. Ids and coordinates are differences to the node before.
#[derive(Clone, PartialEq, Message)]
pub(super) struct DenseNodes {
    #[prost(sint64, repeated, tag = "1")]
    pub ids: Vec<i64>,
    #[prost(message, optional, tag = "5")]
    pub info: Option<DenseInfo>,
    #[prost(sint64, repeated, tag = "8")]
    pub lats: Vec<i64>,
    #[prost(sint64, repeated, tag = "9")]
    pub lons: Vec<i64>,
    /// For each node in turn its keys and values alternately, then 0. Empty when no node has tags.
    #[prost(int32, repeated, tag = "10")]
    pub keys_values: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WayMessage {
    #[prost(int64, tag = "1")]
    pub id: i64,
    #[prost(uint32, repeated, tag = "2")]
    pub keys: Vec<u32>,
    #[prost(uint32, repeated, tag = "3")]
    pub values: Vec<u32>,
    #[prost(message, optional, tag = "4")]
    pub info: Option<Info>,
    /// Node ids, as differences to the id before.
    #[prost(sint64, repeated, tag = "8")]
    pub refs: Vec<i64>,
}

/// A relation with its members in columns. Member ids are differences to the id before.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Relation {
    #[prost(int64, tag = "1")]
    pub id: i64,
    #[prost(uint32, repeated, tag = "2")]
    pub keys: Vec<u32>,
    #[prost(uint32, repeated, tag = "3")]
    pub values: Vec<u32>,
    #[prost(message, optional, tag = "4")]
    pub info: Option<Info>,
    #[prost(int32, repeated, tag = "8")]
    pub roles: Vec<i32>,
    #[prost(sint64, repeated, tag = "9")]
    pub member_ids: Vec<i64>,
    /// The kind of each member: 0 is a node, 1 a way, 2 a relation.
    #[prost(int32, repeated, tag = "10")]
    pub kinds: Vec<i32>,
}
