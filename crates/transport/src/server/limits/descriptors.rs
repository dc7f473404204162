//! The file descriptors of the process: how many of them connections may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections never use: files of the stores, connections to other nodes, the log.
const RESERVED: u64 = 1_024;
/// Where there are few descriptors, one of so many is reserved.
const RESERVED_SHARE: u64 = 4;

/// Raises the process's limit of open descriptors as far as the system allows. Returns how many of them connections may
/// use; `None` without a limit.
pub(super) fn for_connections() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    // The old limit stays after an error.
    let limit = if raised.is_ok() { maximum } else { current };
    limit.map(without_reserve)
}

fn without_reserve(limit: u64) -> u64 {
    (limit - RESERVED.min(limit / RESERVED_SHARE)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_reserved() {
        assert_eq!(without_reserve(65_536), 64_512);
        assert_eq!(without_reserve(1_024), 768);
        assert_eq!(without_reserve(0), 1);
    }
}
