//! A server that the comparison starts: its port, its processor time, its memory and its end.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Unit of processor time in `/proc` (`USER_HZ`, 100 on every Linux), per second.
const TICKS_PER_S: f64 = 100.0;
/// Maximum time until a server listens.
const START_MAX: Duration = Duration::from_secs(20);

/// A running process. Dropping it ends the process.
pub(super) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts a server on a free port and waits until it listens.
    pub(super) async fn start(mut command: Command, address: SocketAddr) -> Result<Self, String> {
        let program = format!("{}", command.get_program().display());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|e| format!("{program}: {e}"))?;
        let mut process = Self { child, address };
        let limit = Instant::now() + START_MAX;
        while TcpStream::connect(address).await.is_err() {
            let ended = process.child.try_wait().map_err(|e| format!("{program}: {e}"))?;
            if let Some(status) = ended {
                return Err(format!("{program} ended before it listened on {address}: {status}"));
            }
            if Instant::now() > limit {
                return Err(format!("{program} did not listen on {address} within {START_MAX:?}"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(process)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the processor time of the process, seconds.
    pub(super) fn cpu_s(&self) -> Result<f64, String> {
        let stat = self.proc("stat")?;
        cpu_ticks(&stat)
            .map(|ticks| ticks as f64 / TICKS_PER_S)
            .ok_or_else(|| format!("no times in {stat:?}"))
    }

    /// Returns the resident memory of the process, bytes.
    pub(super) fn resident_bytes(&self) -> Result<u64, String> {
        let status = self.proc("status")?;
        resident_kib(&status).map(|kib| kib << 10).ok_or_else(|| format!("no VmRSS in {status:?}"))
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        let path = PathBuf::from(format!("/proc/{}/{file}", self.child.id()));
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended needs no signal.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Returns a loopback port that is free now.
pub(super) fn free_address() -> Result<SocketAddr, String> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.map_err(|e| format!("no free loopback port: {e}"))
}

/// Finds a program by its name in the folders of `PATH`.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Returns the first line that a program prints for `--version`.
pub(super) fn version_of(program: &Path) -> String {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown version").trim().to_owned()
}

/// Fields 14 and 15 of `/proc/PID/stat` (proc(5)): in user mode and in the kernel. The name before them may hold blanks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "77 (a b) c) S 1 77 77 0 -1 4194304 100 0 0 0 250 17 0 0 20 0 3 0 1000 99 88";
        assert_eq!(cpu_ticks(stat), Some(267));
        assert_eq!(cpu_ticks("77 (a"), None);
        assert_eq!(resident_kib("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t   1234 kB\n"), Some(1_234));
        assert_eq!(resident_kib("Name:\tx\n"), None);
    }
}
