//! Which methods take a stream of messages from their client, from the descriptors of all services.

use std::collections::HashSet;

use foldhash::quality::RandomState;
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// Returns the paths of all methods whose client sends a stream of messages.
pub(super) fn client_streaming_methods() -> HashSet<String, RandomState> {
    let sets = [
        kerb_proto::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let decode =
        |bytes| FileDescriptorSet::decode(bytes).expect("the descriptors are generated with the code");
    sets.into_iter().map(decode).flat_map(|set| set.file).flat_map(|file| paths_of(&file)).collect()
}

fn paths_of(file: &FileDescriptorProto) -> Vec<String> {
    let mut paths = Vec::new();
    for service in &file.service {
        for method in service.method.iter().filter(|method| method.client_streaming()) {
            paths.push(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streaming_methods_are_found() {
        let methods = client_streaming_methods();
        assert!(methods.contains("/kerb.v1.DriverService/Connect"));
        assert!(methods.contains("/kerb.v1.FleetService/ReportPositions"));
        assert!(methods.contains("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"));
        assert!(!methods.contains("/kerb.v1.TripEventService/Subscribe"));
    }
}
