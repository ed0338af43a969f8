//! Times composing and planning a one-line fix: `bench FILE.py [RUNS]` prints the file's size and the median
//! of each, in milliseconds. The changed line is the last `return` statement of the file.

use patchctl_planner::{Phase, PlanOptions, Texts, compose, parse, plan};
use std::io::Write as _;
use std::time::Instant;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().unwrap_or_default();
    let runs: usize = arguments.next().and_then(|runs| runs.parse().ok()).unwrap_or(50);
    let original = fs::read_to_string(&file)?;
    let lines: Vec<&str> = original.lines().collect();
    let returns =
        |line: &&str| line.trim_start().starts_with("return ") && !line.contains(['(', '[', '{', '\\']);
    let at = lines.iter().rposition(returns).ok_or_else(|| io::Error::other("no return statement"))?;
    let patch = parse("bench.diff", diff(&lines, at).as_bytes(), None).map_err(io::Error::other)?;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        let started = Instant::now();
        let composed = compose("bench", false, &original, &[&patch]);
        times[0].push(started.elapsed());
        let texts = Texts {
            module: "bench",
            is_package: false,
            original: &original,
            running: &original,
            target: &composed.text,
            contributions: &composed.contributions,
        };
        let planned =
            plan(&texts, &PlanOptions { renew: &[], phase: Phase::Live }).map_err(io::Error::other)?;
        times[1].push(started.elapsed());
        if planned.functions.is_empty() {
            return Err(io::Error::other("the fix changed no function"));
        }
    }
    let medians = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    });
    let [composed, all] = medians;
    writeln!(io::stdout(), "{} kB: compose {composed:.2} ms, with plan {all:.2} ms", original.len() / 1000)
}

/// A diff that changes one line, with three lines of context.
fn diff(lines: &[&str], at: usize) -> String {
    let (start, end) = (at.saturating_sub(3), (at + 4).min(lines.len()));
    let count = end - start;
    let mut text = format!("--- a/bench.py\n+++ b/bench.py\n@@ -{0},{count} +{0},{count} @@\n", start + 1);
    for (index, line) in lines.iter().enumerate().take(end).skip(start) {
        if index == at {
            text += &format!("-{line}\n+{line} or None\n");
        } else {
            text += &format!(" {line}\n");
        }
    }
    text
}
