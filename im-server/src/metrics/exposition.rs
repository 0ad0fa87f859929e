//! The text form in which Prometheus reads figures, version 0.0.4.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use im_core::figures::{Figure, Kind, Label, Sample, Value};

/// The media type of what [`render`] writes.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes figures, by name; those of one name from several parts together, as the form asks for.
pub(super) fn render(figures: impl IntoIterator<Item = Figure>) -> String {
    let mut by_name: BTreeMap<&str, Figure> = BTreeMap::new();
    for figure in figures {
        match by_name.get_mut(figure.name) {
            Some(known) => known.samples.extend(figure.samples),
            None => {
                by_name.insert(figure.name, figure);
            }
        }
    }
    let mut text = String::new();
    for figure in by_name.values() {
        let (name, kind) = (figure.name, word(figure.kind));
        push(&mut text, format_args!("# HELP {name} {}", figure.help));
        push(&mut text, format_args!("# TYPE {name} {kind}"));
        for sample in &figure.samples {
            show(&mut text, name, sample);
        }
    }
    text
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Count => "counter",
        Kind::Level => "gauge",
        Kind::Histogram => "histogram",
    }
}

fn show(text: &mut String, name: &str, Sample { labels, value }: &Sample) {
    let reading = match value {
        Value::Number(number) => {
            let labels = labelled(labels, None);
            return push(text, format_args!("{name}{labels} {number}"));
        }
        Value::Histogram(reading) => reading,
    };
    for (end, count) in &reading.buckets {
        let end = if end.is_finite() {
            end.to_string()
        } else {
            "+Inf".to_owned()
        };
        let labels = labelled(labels, Some(&end));
        push(text, format_args!("{name}_bucket{labels} {count}"));
    }
    let count = reading.buckets.last().map_or(0, |(_, count)| *count);
    let labels = labelled(labels, None);
    push(text, format_args!("{name}_sum{labels} {}", reading.sum));
    push(text, format_args!("{name}_count{labels} {count}"));
}

/// Labels in braces. They are texts of the program, so there is nothing to escape.
fn labelled(labels: &[Label], end: Option<&str>) -> String {
    let end = end.map(|end| ("le", end));
    let all = labels.iter().copied().chain(end);
    let all: Vec<_> = all
        .map(|(name, text)| format!("{name}=\"{text}\""))
        .collect();
    if all.is_empty() {
        return String::new();
    }
    format!("{{{}}}", all.join(","))
}

fn push(text: &mut String, line: impl Display) {
    writeln!(text, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use im_core::figures::Histogram;

    use super::*;

    #[test]
    fn parts_that_count_the_same_are_shown_together() {
        let links =
            |link, count| Figure::level("im_links", "Links.", count).labelled(("link", link));
        let sends = Figure::count("im_sends_total", "Sends.", 7);

        let text = render([links("websocket", 2), sends, links("tcp", 1)]);

        let expected = "# HELP im_links Links.\n# TYPE im_links gauge\n\
            im_links{link=\"websocket\"} 2\nim_links{link=\"tcp\"} 1\n\
            # HELP im_sends_total Sends.\n# TYPE im_sends_total counter\nim_sends_total 7\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_histogram_has_ranges_a_sum_and_a_count() {
        let times = Histogram::of_times();
        times.add_time(Duration::from_millis(25));
        times.add_time(Duration::from_secs(60));
        let figure = Figure::histogram("im_seconds", "Time.", &times).labelled(("link", "tcp"));

        let text = render([figure]);

        for line in [
            "# TYPE im_seconds histogram",
            "im_seconds_bucket{link=\"tcp\",le=\"0.0005\"} 0",
            "im_seconds_bucket{link=\"tcp\",le=\"0.025\"} 1",
            "im_seconds_bucket{link=\"tcp\",le=\"+Inf\"} 2",
            "im_seconds_sum{link=\"tcp\"} 60.025",
            "im_seconds_count{link=\"tcp\"} 2",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
