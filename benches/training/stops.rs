//! How soon a training stops and goes on.

use std::time::{Duration, Instant};

use impresario::Options;
use impresario::api::Verb;

use super::checkpoints::{HOUR, Stage, Timed, checkpoints, items, params};
use super::{load, spread, told};

const STOPS: usize = 300;

/// From the verb to the function's return and to the recorded end, beside what the supervisor measures of the
/// checkpoint that is written meanwhile; and from the resume to the first new batch.
pub(super) fn measure() {
    let stage = Stage::new();
    let (mut returned, mut recorded, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut batches, mut resumed) = (Vec::new(), Vec::new());
    actix_web::rt::System::new().block_on(async {
        let orchestrator = stage.orchestrator();
        let endless = params(256, 1_000_000);
        let start =
            orchestrator.start_managed_operation::<Timed<true>>(endless, Options::default());
        let id = start.await.expect("a start").id;
        for stop in 0..=STOPS as u64 {
            let first = items(&orchestrator, id).await;
            let began = Instant::now();
            // Somewhere in the course of things.
            let pause = Duration::from_micros(97_000 + 1_013 * (stop % 100));
            actix_web::rt::time::sleep(pause).await;
            let learned = items(&orchestrator, id).await - first;
            let batch = 256.0 / learned as f64 * began.elapsed().as_secs_f64();
            let (written, took) = checkpoints(&orchestrator).await;
            let asked = Instant::now();
            let patient = Options::default().wait(HOUR);
            let paused = orchestrator.ask(id, Verb::Pause, None, patient).await;
            paused.expect("it pauses");
            let end = asked.elapsed();
            let (more, after) = checkpoints(&orchestrator).await;
            // Another one may have been due at that moment: then nobody knows what either cost. The first
            // stop is one of a cold machine.
            if more - written == 1 && stop > 0 {
                batches.push(batch * 1e3);
                recorded.push(end.as_secs_f64() * 1e3);
                let end = stage.kept.last().returned - asked;
                returned.push(end.as_secs_f64() * 1e3);
                costs.push((after - took) * 1e3);
            }
            let before = items(&orchestrator, id).await;
            let asked = Instant::now();
            let answered = orchestrator.ask(id, Verb::Resume, None, Options::default());
            answered.await.expect("it resumes");
            while items(&orchestrator, id).await <= before {
                actix_web::rt::time::sleep(Duration::from_millis(1)).await;
            }
            resumed.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        let patient = Options::default().wait(HOUR);
        let cancelled = orchestrator.ask(id, Verb::Cancel, None, patient).await;
        cancelled.expect("it ends");
        orchestrator.shutdown().await;
    });
    println!(
        "{} pauses of GOOG 1d at batch 256, ms, the p99 last; {}",
        returned.len(),
        load()
    );
    let line = |samples: &[f64]| format!("{}   {:.3}", spread(samples.to_vec()).1, p99(samples));
    println!("  a batch                            {}", line(&batches));
    println!("  a checkpoint, by the supervisor    {}", line(&costs));
    println!("  pause asked to function returned   {}", line(&returned));
    println!("  pause asked to paused, recorded    {}", line(&recorded));
    let beside = returned.iter().zip(&costs).map(|(end, cost)| end - cost);
    println!(
        "  asked to returned without its own  {}",
        line(&beside.collect::<Vec<_>>())
    );
    let allowed = 2.0 * spread(batches).0 + p99(&costs);
    let worst = p99(&returned);
    told(
        "its p99, beside two batches and the checkpoint's",
        &(worst, format!("{worst:.3}")),
        allowed,
    );
    told("resume to the first new batch", &spread(resumed), 300.0);
}

fn p99(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[(samples.len() * 99).div_ceil(100) - 1]
}
