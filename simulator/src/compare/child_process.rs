//! Runs in child processes.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::compare::runs::{PlannedRun, Runner, read_run};
use crate::metrics::record::RunRecord;

/// Makes each run in a child process: `simulator lab SCENARIO --policy … --seed … --out FILE`, or
/// `--policies … --switchback …`.
#[derive(Debug)]
pub struct ChildRunner {
    /// Path of the simulator's binary.
    pub program: PathBuf,
    /// Name or file of the scenario.
    pub scenario: PathBuf,
    /// Folder of the data, if it is not the scenario's own.
    pub data: Option<PathBuf>,
    /// The running child processes.
    pub children: Children,
}

/// The running child processes. Another thread may kill them.
#[derive(Clone, Debug, Default)]
pub struct Children(Arc<Mutex<ChildState>>);

#[derive(Debug, Default)]
struct ChildState {
    is_killed: bool,
    running: Vec<Arc<Mutex<Child>>>,
}

impl Children {
    /// Kills all running processes, and those that start later. An incomplete run is not compared.
    pub fn kill_all(&self) {
        let mut state = self.0.lock();
        state.is_killed = true;
        for child in &state.running {
            // A process that has exited already cannot be killed, which is no error.
            _ = child.lock().kill();
        }
    }

    /// Runs a command to its end. Returns its standard error and its exit status.
    fn run(&self, mut command: Command) -> std::io::Result<(String, std::process::ExitStatus)> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take();
        let child = Arc::new(Mutex::new(child));
        {
            let mut state = self.0.lock();
            state.running.push(Arc::clone(&child));
            if state.is_killed {
                _ = child.lock().kill();
            }
        }
        // Standard error ends with the process. Reading it first leaves the child unlocked, so that it can be killed.
        let mut stderr_text = Vec::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_end(&mut stderr_text)?;
        }
        let ended = child.lock().wait();
        self.0.lock().running.retain(|other| !Arc::ptr_eq(other, &child));
        Ok((String::from_utf8_lossy(&stderr_text).into_owned(), ended?))
    }
}

impl Runner for ChildRunner {
    fn run(&self, planned: &PlannedRun) -> Result<RunRecord, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let out = folder.path().join("run.json");
        let mut command = Command::new(&self.program);
        command.arg("lab").arg(&self.scenario);
        match &planned.switchback {
            Some(schedule) => command.args(schedule.flags()),
            None => command.args(["--policy", &planned.policy]),
        };
        command.args(["--seed", &planned.seed.to_string()]).arg("--out").arg(&out);
        if let Some(data) = &self.data {
            command.arg("--data").arg(data);
        }
        if let Some(fleet) = planned.fleet {
            command.args(["--fleet", &fleet.to_string()]);
        }
        let (stderr_text, ended) =
            self.children.run(command).map_err(|e| format!("{}: {e}", self.program.display()))?;
        // A run with faults exits with an error, but has a record, too.
        read_run(&out).map_err(|_no_record| {
            format!("{ended}: {}", stderr_text.lines().next_back().unwrap_or("no record"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_and_later_processes_are_killed() {
        let children = Children::default();
        let forever = || {
            let mut command = Command::new("tail");
            command.args(["-f", "/dev/null"]);
            command
        };
        std::thread::scope(|scope| {
            let running = scope.spawn(|| children.run(forever()).unwrap());
            while children.0.lock().running.is_empty() {
                std::thread::yield_now();
            }
            children.kill_all();
            assert!(!running.join().unwrap().1.success());
        });
        assert!(!children.run(forever()).unwrap().1.success());
        assert!(children.0.lock().running.is_empty());
    }
}
