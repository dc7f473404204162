//! Runs in processes of their own.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::compare::runs::{PlannedRun, Runner, read_run};
use crate::metrics::record::RunRecord;

/// Makes each run in a process of its own: `simulator lab SCENARIO --policy … --seed … --out FILE`, or
/// `--policies … --switchback …`.
#[derive(Debug)]
pub struct ChildRunner {
    /// The simulator's binary.
    pub program: PathBuf,
    /// The scenario's name or file.
    pub scenario: PathBuf,
    /// Where its relative paths begin, when that is not its own folder.
    pub data: Option<PathBuf>,
    /// Those under way.
    pub children: Children,
}

/// Processes under way, which another thread may end.
#[derive(Clone, Debug, Default)]
pub struct Children(Arc<Mutex<UnderWay>>);

#[derive(Debug, Default)]
struct UnderWay {
    is_over: bool,
    running: Vec<Arc<Mutex<Child>>>,
}

impl Children {
    /// Ends all that are under way, and those that are begun later: a run that is not whole is not compared.
    pub fn kill_all(&self) {
        let mut under_way = self.0.lock();
        under_way.is_over = true;
        for child in &under_way.running {
            // One that has ended by itself needs no end.
            _ = child.lock().kill();
        }
    }

    /// Runs it to its end; what it wrote on standard error and how it ended.
    fn run(&self, mut command: Command) -> std::io::Result<(String, std::process::ExitStatus)> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take();
        let child = Arc::new(Mutex::new(child));
        {
            let mut under_way = self.0.lock();
            under_way.running.push(Arc::clone(&child));
            if under_way.is_over {
                _ = child.lock().kill();
            }
        }
        // The end of its words is that of the process; until then others may lock it.
        let mut said = Vec::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_end(&mut said)?;
        }
        let ended = child.lock().wait();
        self.0.lock().running.retain(|other| !Arc::ptr_eq(other, &child));
        Ok((String::from_utf8_lossy(&said).into_owned(), ended?))
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
        let (said, ended) =
            self.children.run(command).map_err(|e| format!("{}: {e}", self.program.display()))?;
        // A run in which the judges found a fault has a record, too.
        read_run(&out)
            .map_err(|_no_record| format!("{ended}: {}", said.lines().next_back().unwrap_or("no record")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_under_way_and_later_ones_are_ended() {
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
