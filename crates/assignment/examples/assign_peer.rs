//! The solver as a peer of `cargo xtask solver-peers`, which compares solvers: one query a line, one answer a line.
//!
//! The argument is a folder. The program writes the instances into it and prints `ready` and their names. Then it reads
//! names, and answers each with the milliseconds and the objective. Only solving is timed, on one thread.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Instant;

use kerb_assignment::instance::{Instance, Spread};
use kerb_assignment::{Policy, Problem, solve};

/// Name, number of requests (and of drivers), and candidates per request.
const SIZES: [(&str, usize, usize); 4] =
    [("1k_k20", 1_000, 20), ("10k_k10", 10_000, 10), ("10k_k20", 10_000, 20), ("50k_k10", 50_000, 10)];

const SEED: u64 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: assign_peer <folder for the instances>")?;
    let mut problems = Vec::new();
    for (size, requests, candidates) in SIZES {
        for (spread, word) in [(Spread::Uniform, "uniform"), (Spread::Clustered, "clustered")] {
            let instance = Instance { requests, drivers: requests, candidates, spread, seed: SEED };
            let problem = instance.problem();
            let name = format!("{size}_{word}");
            fs::write(Path::new(&folder).join(&name), bytes(&problem))?;
            problems.push((name, problem));
        }
    }
    let names: Vec<&str> = problems.iter().map(|(name, _)| name.as_str()).collect();
    let mut answers = io::stdout().lock();
    writeln!(answers, "ready {}", names.join(" "))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let known = problems.iter().find(|(name, _)| *name == line);
        let (_, problem) = known.ok_or_else(|| format!("no instance {line}, one of {}", names.join(", ")))?;
        let (elapsed_ms, objective) = timed(problem);
        writeln!(answers, "{elapsed_ms:.3} {objective}")?;
        answers.flush()?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a comparison measures wall time")]
fn timed(problem: &Problem) -> (f64, u64) {
    let start = Instant::now();
    let assignment = solve(Policy::Batch, black_box(problem), 1);
    (start.elapsed().as_secs_f64() * 1e3, assignment.cost)
}

/// Encodes a problem as little-endian 32-bit numbers: rows, columns, edges; penalties; row starts; columns; costs.
fn bytes(problem: &Problem) -> Vec<u8> {
    let rows = 0..problem.rows();
    let edges = || rows.clone().flat_map(|row| problem.edges(row));
    let starts = rows.clone().scan(0, |start, row| {
        *start += problem.edges(row).len() as u32;
        Some(*start)
    });
    let numbers = [problem.rows(), problem.columns(), problem.edge_count() as u32]
        .into_iter()
        .chain(rows.clone().map(|row| problem.penalty(row)))
        .chain(std::iter::once(0).chain(starts))
        .chain(edges().map(|edge| edge.column))
        .chain(edges().map(|edge| edge.cost));
    numbers.flat_map(u32::to_le_bytes).collect()
}
