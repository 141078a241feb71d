//! Polls the panels: their history at first and after a gap, then the newest value.

use super::Api;
use crate::domain::time::{Span, Wall};
use crate::signal::analysis::discover::{Asked, Metrics, candidates, discover};
use crate::signal::analysis::value::{Value, at_most_one};
use crate::signal::{Body, Panel, Point, SeriesPoints};
use crate::source::poll::{Gone, Mouth, backoff, chance, rest};
use crate::source::problem::Problem;
use chrono::Utc;
use futures::{StreamExt, stream};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// How far back history is read.
const HISTORY: Span = Span::mins(30);
/// Most points of a history.
const HISTORY_POINTS: u64 = 360;
/// Queries under way at once.
const ABREAST: usize = 4;
/// How often new panels are looked for.
const LOOK: Span = Span::mins(1);
/// How soon again, where looking failed: names may be many megabytes.
const LOOK_AGAIN: Span = Span::secs(10);

/// What is polled.
#[derive(Debug, Clone)]
pub struct Poller {
    /// Whom to ask; what is wrong with the address where there is no one.
    pub api: Result<Arc<Api>, Problem>,
    /// What to ask; nothing: what is found there.
    pub panels: Vec<Panel>,
    /// How often.
    pub every: Span,
}

/// Polls until nobody listens.
pub async fn run(poller: Poller, mouth: Mouth) -> Gone {
    let Err(gone) = Box::pin(forever(poller, mouth)).await;
    gone
}

async fn forever(poller: Poller, mouth: Mouth) -> Result<std::convert::Infallible, Gone> {
    let Poller { api, panels: configured, every } = poller;
    let mut panels = configured.clone();
    let mut newest: BTreeMap<String, i64> = BTreeMap::new();
    let mut failures = 0;
    let mut next_look = Instant::now();
    loop {
        let began = Instant::now();
        let polled = match &api {
            Err(problem) => Err(problem.clone()),
            Ok(api) => {
                if configured.is_empty() && began >= next_look {
                    match found(api, &mouth.id).await {
                        Ok(now_found) => {
                            next_look = began + LOOK.std();
                            if now_found != panels {
                                panels.clone_from(&now_found);
                                mouth.say(Body::Panels(now_found)).await?;
                            }
                        }
                        Err(problem) => {
                            next_look = began + LOOK_AGAIN.std();
                            tracing::debug!(source = mouth.id, %problem, "no panels found");
                        }
                    }
                    if panels.is_empty() {
                        panels = discover(Asked::Prometheus, &mouth.id, &Metrics::new());
                        mouth.say(Body::Panels(panels.clone())).await?;
                    }
                }
                once(api, &panels, every, &mut newest).await
            }
        };
        match polled {
            Ok((series, complaints)) => {
                failures = 0;
                mouth.say(Body::Series(series)).await?;
                if !complaints.is_empty() {
                    mouth.trouble(&complaints.join("; "), every).await?;
                }
                rest(began, every).await;
            }
            Err(problem) => {
                failures += 1;
                let wait = backoff(failures, every, chance());
                mouth.trouble(&problem.line(), wait).await?;
                tokio::time::sleep(wait.std()).await;
            }
        }
    }
}

async fn found(api: &Api, source: &str) -> Result<Vec<Panel>, Problem> {
    let names = api.metric_names().await?;
    let mut metrics = Metrics::new();
    for name in candidates(names.iter().map(String::as_str)) {
        let labels = api.label_names(&name).await?;
        metrics.insert(name, labels.into_iter().collect());
    }
    Ok(discover(Asked::Prometheus, source, &metrics))
}

/// One poll of all panels: new points, and what was wrong with single panels. An error where nothing was answered.
async fn once(
    api: &Api,
    panels: &[Panel],
    every: Span,
    newest: &mut BTreeMap<String, i64>,
) -> Result<(Vec<SeriesPoints>, Vec<String>), Problem> {
    let now = Utc::now();
    let mut asked = Vec::with_capacity(panels.len());
    for panel in panels {
        asked.push(read(api, panel, newest.get(&panel.name).copied(), now, every));
    }
    let answers: Vec<_> = stream::iter(asked).buffered(ABREAST).collect().await;
    let mut series = Vec::new();
    let mut complaints = Vec::new();
    let mut dead = None;
    for (panel, answer) in panels.iter().zip(answers) {
        match answer {
            Ok((points, warnings)) => {
                newest.insert(panel.name.clone(), now.timestamp_millis());
                complaints.extend(warnings.into_iter().take(1).map(|w| format!("{}: {w}", panel.name)));
                series.push(SeriesPoints { panel: panel.name.clone(), points });
            }
            Err(problem) => {
                complaints.push(format!("{}: {}", panel.name, problem.line()));
                if !problem.is_about_the_question() {
                    dead = Some(problem);
                }
            }
        }
    }
    match dead {
        // A slow panel among quick ones is that panel's trouble; none that answers is the source's.
        Some(problem) if series.is_empty() => Err(problem),
        _ => Ok((series, complaints)),
    }
}

async fn read(
    api: &Api,
    panel: &Panel,
    last: Option<i64>,
    now: Wall,
    every: Span,
) -> Result<(Vec<Point>, Vec<String>), Problem> {
    let limit = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).saturating_mul(3);
    let behind = last.is_none_or(|last| now.timestamp_millis().saturating_sub(last) > limit);
    if behind {
        let start =
            (now - HISTORY.signed()).max(last.and_then(Wall::from_timestamp_millis).unwrap_or_default());
        let step = step(every, Span::between(start, now));
        let reply = api.range(&panel.query, start, now, step).await?;
        let points = match reply.value {
            Value::Matrix(series) => {
                at_most_one(&series.iter().map(|(labels, _)| labels).collect::<Vec<_>>())?;
                series.into_iter().next().map(|(_, points)| gaps_marked(points, step)).unwrap_or_default()
            }
            other => other.single()?.map(|v| Point::new(now, v)).into_iter().collect(),
        };
        return Ok((points, reply.warnings));
    }
    let reply = api.instant(&panel.query, now).await?;
    let point = reply.value.single()?.map(|v| Point::new(now, v));
    Ok((point.into_iter().collect(), reply.warnings))
}

/// A whole number of seconds, so that no more points come than are kept.
fn step(every: Span, range: Span) -> Span {
    Span::secs(every.as_secs().max(range.as_secs().div_ceil(HISTORY_POINTS)).max(1))
}

/// Where steps are missing one point that is not a number is put.
fn gaps_marked(points: Vec<Point>, step: Span) -> Vec<Point> {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX / 2);
    let mut out: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        if let Some(last) = out.last().copied()
            && point.t - last.t > step + step / 2
        {
            out.push(Point { t: last.t + step, v: f64::NAN });
        }
        out.push(point);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_history_is_seen() {
        let points = [0, 1_000, 5_000].map(|t| Point { t, v: 1.0 }).to_vec();
        let got: Vec<(i64, bool)> =
            gaps_marked(points, Span::secs(1)).iter().map(|p| (p.t, p.v.is_nan())).collect();
        assert_eq!(got, [(0, false), (1_000, false), (2_000, true), (5_000, false)]);
    }

    #[test]
    fn history_is_never_more_than_is_kept() {
        assert_eq!(step(Span::secs(1), HISTORY), Span::secs(5));
        assert_eq!(step(Span::secs(15), HISTORY), Span::secs(15));
        assert_eq!(step(Span::millis(200), Span::secs(4)), Span::secs(1));
    }
}
