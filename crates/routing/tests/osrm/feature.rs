//! A parser of feature files: scenarios, their steps, and the table or text of each step.

/// A step: its text without the keyword, and what follows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FeatureStep {
    pub(crate) text: String,
    pub(crate) table: Vec<Vec<String>>,
    /// The lines of a quoted text, without its indentation.
    pub(crate) lines: Vec<String>,
}

/// A scenario with the steps of its file's background in front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) steps: Vec<FeatureStep>,
}

impl FeatureStep {
    /// The rows of the table as pairs of column and cell.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Vec<(&str, &str)>> {
        let mut rows = self.table.iter();
        let header: &[String] = rows.next().map_or(&[], |header| header);
        rows.map(move |row| {
            header.iter().zip(row).map(|(column, cell)| (column.as_str(), cell.as_str())).collect()
        })
    }
}

const KEYWORDS: [&str; 5] = ["Given ", "And ", "When ", "Then ", "But "];

pub(crate) fn scenarios(text: &str) -> Vec<Scenario> {
    let (mut background, mut scenarios) = (Vec::new(), Vec::<Scenario>::new());
    let mut quote_indent = None;
    for line in text.lines() {
        let trimmed = line.trim();
        let steps = match scenarios.last_mut() {
            Some(scenario) => &mut scenario.steps,
            None => &mut background,
        };
        if trimmed == "\"\"\"" {
            quote_indent = match quote_indent {
                None => Some(line.len() - line.trim_start().len()),
                Some(_) => None,
            };
        } else if let Some(indent) = quote_indent {
            let line = line.chars().skip(indent.min(line.len() - line.trim_start().len())).collect();
            steps.last_mut().expect("a text belongs to a step").lines.push(line);
        } else if let Some(name) = trimmed.strip_prefix("Scenario:") {
            let steps = background.clone();
            scenarios.push(Scenario { name: name.trim().to_owned(), steps });
        } else if trimmed.starts_with('|') {
            // A bar within a cell has a backslash in front of it.
            let text = trimmed.replace("\\|", "\u{1}");
            let cells = text.trim_matches('|').split('|');
            let cells = cells.map(|cell| cell.trim().replace('\u{1}', "|")).collect();
            if let Some(step) = steps.last_mut() {
                step.table.push(cells);
            }
        } else if let Some(text) = KEYWORDS.into_iter().find_map(|keyword| trimmed.strip_prefix(keyword)) {
            steps.push(FeatureStep { text: text.trim().to_owned(), ..FeatureStep::default() });
        }
    }
    scenarios
}
