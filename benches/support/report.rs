//! Prints the report.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use super::{
    machine::State,
    rounds::Results,
    stats::figure,
    verdict::{Grounds, Verdict, judge, measured},
    workload::{Bound, Metric, Workload},
};

/// Others' share of the machine above which the report warns.
const DISTURBED: f64 = 0.15;

/// The head of the report: the machine before and after, and what follows from that.
pub(crate) fn machine(target: &str, before: &State, after: &State, grounds: Grounds) {
    println!("\n# {target}\n");
    println!("before: {}", before.text());
    println!("after:  {}", after.text());
    for (steady, which) in [(grounds.steady_unpinned, ""), (grounds.steady_pinned, "pinned ")] {
        if !steady {
            println!(
                "The {which}ping-pong differs by more than 2 x between both ends: \
                 no verdict is given on {which}round trips."
            );
        }
    }
    if cfg!(debug_assertions) {
        println!("Not an optimised build: the figures only show that the cases run.");
    }
    if !grounds.enough_rounds {
        println!("Too few rounds: no verdict is given.");
    }
}

/// One workload's table; returns what became of its bounds.
pub(crate) fn workload(workload: &Workload, results: &Results, grounds: Grounds) -> Vec<Verdict> {
    let unit = workload.unit;
    println!("\n## {} ({} operations; medians of {} rounds)\n", workload.name, workload.size, results.rounds);

    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let wall = unit.text();
    let figures = results.figures();
    let mut header = vec!["case", &wall, "range", "CPU", "threads", "switches"];
    header.extend(&figures);
    header.extend(["ours/this", "bound", "verdict"]);
    table.set_header(header);
    // All but the label are figures.
    table.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });

    let ours = results.cases.first().and_then(|case| case.median(Metric::Wall, unit));
    let mut verdicts = Vec::new();
    for (index, (case, result)) in workload.cases.iter().zip(&results.cases).enumerate() {
        let shown = |metric| result.median(metric, unit).map_or("-".into(), figure);
        let range = match (&result.failure, result.range(Metric::Wall, unit)) {
            (Some(failure), _) => failure.clone(),
            (None, Some((least, greatest))) => format!("{} - {}", figure(least), figure(greatest)),
            (None, None) => "-".into(),
        };
        let ratio = ours.zip(result.median(Metric::Wall, unit));
        let ratio = ratio.filter(|&(_, this)| index > 0 && this > 0.0);
        let mut row = vec![
            case.label.clone(),
            shown(Metric::Wall),
            range,
            shown(Metric::Cpu),
            result.median(Metric::Threads, unit).map_or("-".into(), |threads| threads.to_string()),
            result.switches().map_or("-".into(), |switches| format!("{switches:.3}")),
        ];
        row.extend(figures.iter().map(|name| result.figure(name).map_or("-".into(), figure)));
        row.push(ratio.map_or(String::new(), |(ours, this)| ratio_text(ours / this)));
        let judged: Vec<_> = workload
            .bounds
            .iter()
            .filter(|bound| bound.peer.as_ref().unwrap_or(&bound.ours) == &case.label)
            .map(|bound| {
                let measured = measured(bound, workload, &results.cases);
                (bound_text(bound, measured), judge(bound, workload, measured, grounds))
            })
            .collect();
        row.push(joined(judged.iter().map(|(text, _)| text.clone())));
        row.push(joined(judged.iter().map(|(_, verdict)| verdict.to_string())));
        table.add_row(row);
        verdicts.extend(judged.into_iter().map(|(_, verdict)| verdict));
    }
    println!("{table}");

    if let Some(others) = results.others.filter(|others| *others > DISTURBED) {
        println!("\nDisturbed: others used {:.0} % of the CPUs meanwhile.", others * 100.0);
    }
    verdicts
}

/// `<= 1.10`, with the measured ratio where the column beside it does not show that one.
fn bound_text(bound: &Bound, measured: Option<f64>) -> String {
    let measured = measured.map_or("-".into(), |measured| format!("{measured:.2}"));
    let limit = bound.limit;
    match (bound.metric, &bound.peer) {
        // Three digits where two would hide what is asked for.
        (Metric::Wall, Some(_)) if limit < 0.1 => format!("<= {limit:.3}"),
        (Metric::Wall, Some(_)) => format!("<= {limit:.2}"),
        (metric, Some(_)) => format!("{}{measured} <= {limit:.2}", metric.text()),
        (metric, None) => format!("{}<= {}", metric.text(), figure(limit)),
    }
}

/// A ratio far below 1 keeps the digit that its bound is about.
fn ratio_text(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.3}") } else { format!("{ratio:.2}") }
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("; ")
}

/// The last lines: how many bounds hold, and which cases failed.
pub(crate) fn summary(verdicts: &[Verdict], failures: &[String]) {
    let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    println!(
        "\n{} bounds: {} hold, {} missed, {} without a figure, {} withheld, {} not for this machine.",
        verdicts.len(),
        count(Verdict::Holds),
        count(Verdict::Missed),
        count(Verdict::NoFigure),
        count(Verdict::Withheld),
        count(Verdict::NotHere),
    );
    for failure in failures {
        println!("failed: {failure}");
    }
}
