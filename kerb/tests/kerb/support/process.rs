//! The built binary as a child process, on a free port. Its log is printed when the test fails.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use tonic::transport::{Channel, Endpoint};

/// Makes a command of the binary, without the settings in this machine's environment.
pub(crate) fn kerb(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerb"));
    command.args(args).current_dir(dir);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KERB") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    kerb(dir, args).output().expect("the binary runs")
}

/// Decodes the output of a command.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running node.
pub(crate) struct Process {
    child: Child,
    /// The address that the node listens on.
    pub(crate) address: String,
    log: PathBuf,
}

impl Process {
    /// Starts a server command on a free port and waits until it listens.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        Self::start_command(dir, args, kerb(dir, args))
    }

    /// Starts a server command whose process may open so many descriptors.
    pub(crate) fn start_with_descriptors(dir: &Path, args: &[&str], descriptors: u32) -> Self {
        let binary = kerb(dir, args);
        let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(binary.get_program()).args(args).current_dir(dir);
        for (name, _removed) in binary.get_envs() {
            command.env_remove(name);
        }
        Self::start_command(dir, args, command)
    }

    /// Starts a server command like [`Process::start`], for which [`Process::limit_files`] is a full disk: a write beyond
    /// the limit is an error, and not the end of the process.
    pub(crate) fn start_limitable(dir: &Path, args: &[&str]) -> Self {
        let binary = kerb(dir, args);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(binary.get_program()).args(args);
        command.current_dir(dir);
        for (name, _) in binary.get_envs() {
            command.env_remove(name);
        }
        Self::start_command(dir, args, command)
    }

    /// Limits the size of all files that the process writes from now on; `None` lifts the limit.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let id = rustix::process::Pid::from_child(&self.child);
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(Some(id), rustix::process::Resource::Fsize, limit).expect("a limit");
    }

    fn start_command(dir: &Path, args: &[&str], mut command: Command) -> Self {
        let log = args.join("_").replace(['/', '.', ':', '-', '='], "_");
        // A file name has at most 255 bytes.
        let log = dir.join(format!("{}.log", log.chars().take(200).collect::<String>()));
        let stderr = File::options().create(true).append(true).open(&log).expect("a log file");
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("it is piped");
        let mut process = Self { child, address: String::new(), log };
        let mut line = String::new();
        // The read ends when the process ends.
        BufReader::new(stdout).read_line(&mut line).expect("a line of text");
        let address = line.trim_end().strip_prefix("listening on ");
        address
            .unwrap_or_else(|| panic!("{args:?} did not start: {line:?}"))
            .clone_into(&mut process.address);
        process
    }

    /// Returns a new connection to the node.
    pub(crate) fn channel(&self) -> Channel {
        channel(&self.address)
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Sends SIGTERM and waits for the end of the process.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("it ends")
    }

    /// Sends a signal to this process only.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([format!("-{name}"), id]).status().expect("kill exists");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Returns the address as a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log file")
    }

    /// Returns the memory that the process holds, in MiB.
    pub(crate) fn memory_mib(&self) -> i64 {
        self.status("VmRSS") / 1_024
    }

    /// Returns the number of threads.
    pub(crate) fn threads(&self) -> i64 {
        self.status("Threads")
    }

    /// Returns a number of `/proc/PID/status`.
    fn status(&self, name: &str) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line of the name");
        line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).expect("a number")
    }

    /// Returns whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("its state can be read").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended before, so errors are ignored.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- {}\n{log}---", self.log.display());
        }
    }
}

/// Returns a channel that connects on first use, and reconnects after a failure.
pub(crate) fn channel(address: &str) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy()
}
