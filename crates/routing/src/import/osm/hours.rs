//! Conditions in the opening-hours syntax, as far as they only depend on the hour of the week.
//!
//! The crate `opening-hours` evaluates the whole syntax: holidays, seasons, the sun. It would bring 60 crates, and its
//! results depend on the date, which the network does not. Here a condition becomes the hours of an ordinary week in
//! which it holds for at least 30 minutes. A condition that depends on the date or on anything else is not decided.

use crate::network::HourSet;

const DAYS: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];
const DAY_MIN: usize = 1_440;
const WEEK_MIN: usize = 7 * DAY_MIN;
/// An hour counts when the condition holds for this many minutes of it.
const MIN_OF_HOUR: usize = 30;

/// A part of a rule.
enum Token {
    Days(Vec<usize>),
    /// Minutes since midnight; the end may be on the next day.
    Times(usize, usize),
    Always,
    Off,
    /// A word without effect.
    Open,
}

/// The hours of an ordinary week in which a condition holds. `None` when it depends on something else.
pub(super) fn hours(condition: &str) -> Option<HourSet> {
    let condition = condition.trim().to_ascii_lowercase();
    let condition =
        condition.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(&condition);
    let mut minutes = vec![false; WEEK_MIN];
    let rules: Vec<&str> = condition.split(';').map(str::trim).filter(|rule| !rule.is_empty()).collect();
    if rules.is_empty() {
        return None;
    }
    for (number, rule) in rules.into_iter().enumerate() {
        apply(rule, number > 0, &mut minutes)?;
    }
    Some(HourSet::of(|hour| {
        minutes[hour * 60..(hour + 1) * 60].iter().filter(|holds| **holds).count() >= MIN_OF_HOUR
    }))
}

/// Applies a rule. A later rule replaces the earlier ones on its days.
fn apply(rule: &str, replaces: bool, minutes: &mut [bool]) -> Option<()> {
    let tokens = tokens(rule)?;
    let is_off = tokens.iter().any(|token| matches!(token, Token::Off));
    let (mut days, mut has_times) = (None::<Vec<usize>>, false);
    let mut parts = Vec::new();
    for token in tokens {
        match token {
            Token::Days(more) => {
                // Days after times begin another part: `Mo-Fr 07:00-09:00, Sa 10:00-12:00`.
                if has_times {
                    (days, has_times) = (None, false);
                }
                days.get_or_insert_default().extend(more);
                parts.push((days.clone(), None));
            }
            Token::Times(start, end) => {
                has_times = true;
                parts.retain(|(own, times)| times.is_some() || *own != days);
                parts.push((days.clone(), Some((start, end))));
            }
            Token::Always => parts.push((None, None)),
            Token::Off | Token::Open => {}
        }
    }
    // Of days that are listed one by one, the last part names all of them.
    let all_days = |days: Option<Vec<usize>>| days.unwrap_or_else(|| (0..7).collect());
    if replaces && !is_off {
        for day in parts.iter().flat_map(|(days, _)| all_days(days.clone())) {
            minutes[day * DAY_MIN..(day + 1) * DAY_MIN].fill(false);
        }
    }
    for (days, times) in parts {
        let (start, end) = times.unwrap_or((0, DAY_MIN));
        for day in all_days(days) {
            for minute in start..end {
                minutes[(day * DAY_MIN + minute) % WEEK_MIN] = !is_off;
            }
        }
    }
    Some(())
}

fn tokens(rule: &str) -> Option<Vec<Token>> {
    let words = rule.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    words.map(token).collect()
}

fn token(word: &str) -> Option<Token> {
    match word.trim_end_matches(':') {
        "24/7" => return Some(Token::Always),
        "off" | "closed" => return Some(Token::Off),
        "open" => return Some(Token::Open),
        // Holidays are no days of an ordinary week.
        "ph" | "sh" => return Some(Token::Days(Vec::new())),
        _ => {}
    }
    let (start, end) = word.split_once('-').unwrap_or((word, word));
    let day = |name: &str| {
        DAYS.iter().position(|known| *known == name.get(..2).unwrap_or_default() && name.len() == 2)
    };
    if let (Some(first), Some(last)) = (day(start), day(end)) {
        let count = (last + 7 - first) % 7 + 1;
        return Some(Token::Days((first..first + count).map(|day| day % 7).collect()));
    }
    let (start, end) = (minute(start)?, minute(word.split_once('-')?.1)?);
    // A range that ends before it starts ends on the next day.
    Some(Token::Times(start, if end <= start { end + DAY_MIN } else { end }))
}

/// Parses `hh:mm`. Hours above 24 are on the next day.
fn minute(text: &str) -> Option<usize> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (usize, usize) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= 48 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hours of a day that are in the set, as a text of its runs.
    fn on(condition: &str, day: usize) -> String {
        let Some(set) = hours(condition) else { return "?".to_owned() };
        let is_in = |hour: usize| hour < 24 && set.contains(day * 24 + hour);
        let starts = (0..24).filter(|hour| is_in(*hour) && (*hour == 0 || !is_in(hour - 1)));
        let runs = starts.map(|start| {
            let end = (start..=24).find(|hour| !is_in(*hour)).unwrap_or(24);
            format!("{start}-{end}")
        });
        runs.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn conditions_become_hours() {
        let (monday, saturday, sunday) = (0, 5, 6);
        let table = [
            ("24/7", saturday, "0-24"),
            ("Mo-Fr", monday, "0-24"),
            ("Mo-Fr", saturday, ""),
            ("(Mo-Fr 07:00-19:00)", monday, "7-19"),
            ("07:00-09:00,16:00-18:30", sunday, "7-9 16-19"),
            ("Mo-Fr 07:00-09:20, 16:00-18:00", monday, "7-9 16-18"),
            ("Mo,Sa 08:00-10:00", saturday, "8-10"),
            ("Mo-Fr 06:00-10:00, Sa 08:00-09:00", saturday, "8-9"),
            ("Mo-Fr 06:00-10:00, Sa 08:00-09:00", monday, "6-10"),
            ("Sa-Mo 10:00-11:00", monday, "10-11"),
            ("22:00-06:00", monday, "0-6 22-24"),
            ("Fr 22:00-06:00", saturday, "0-6"),
            ("Mo-Su 00:00-23:59", sunday, "0-24"),
            ("Mo-Sa 08:00-20:00; PH off", monday, "8-20"),
            ("Mo-Su 08:00-20:00; Sa off", saturday, ""),
            ("Mo-Su 08:00-20:00; Sa 10:00-12:00", saturday, "10-12"),
            ("Mo-Fr,PH 08:00-20:00", monday, "8-20"),
            ("Apr-Sep", monday, "?"),
            ("Mo-Fr sunrise-sunset", monday, "?"),
            ("weight>3.5", monday, "?"),
            ("wet", monday, "?"),
            ("", monday, "?"),
            ("Mo-Fr 07:00", monday, "?"),
        ];
        for (condition, day, expected) in table {
            assert_eq!(on(condition, day), expected, "{condition:?} on day {day}");
        }
    }
}
