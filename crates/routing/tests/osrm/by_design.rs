//! The rows whose different result is wanted, each with its reason.

const UNKNOWN: &str = "an access value that is not known is no";
const WALKED: &str = "`access` on a way for people on foot is about them, so it opens nothing to cars";
const PRIVATE: &str = "private streets are the two ends of many rides: a trip starts and ends there";
const OPENED: &str = "a tag that is about cars opens any way; the suite calls its own result temporary";
const PARALLEL: &str = "two ways over the same nodes: either of them is right";
const ONLY: &str = "`only_` over ways holds from the first way on, as the map's documentation says";
const GUIDANCE: &str = "the names that a navigator shows, which leave out short and similar ways";
const HOV: &str = "lanes for cars with passengers are driven with a rider";
const ROAD: &str = "a road of an unknown class is a road";
const TURNS: &str = "the angle of a turn costs nothing, so the nearest dead end is taken";

/// The file, the start of the scenario's name, a part of the row, and the reason.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("access", "", "=some_tag", UNKNOWN),
    ("access", "", "=unknown", UNKNOWN),
    ("access", "", "=garbagetag", UNKNOWN),
    ("access", "", "#=temporary", OPENED),
    ("access", "", "highway=footway access=", WALKED),
    ("access", "Car - Access private blacklist", "access=private", PRIVATE),
    ("classes", "Car - We tag access=unknown", "", UNKNOWN),
    ("classes", "Car - We tag", "", GUIDANCE),
    ("classes", "Car - From roundabout", "", GUIDANCE),
    ("conditional_restrictions", "Car - DC North", "", GUIDANCE),
    ("destination", "Car - Routing around a way that becomes", "", PARALLEL),
    ("destination", "Car - Routing through a parking lot", "", PARALLEL),
    ("destination", "Car - Disallow snapping", "", PRIVATE),
    ("hov", "", "", HOV),
    ("multi_via_restrictions", "Car - Overlapping", "from=c to=f", ONLY),
    ("multi_via_restrictions", "Car - Overlapping", "from=c to=g", ONLY),
    ("multi_via_restrictions", "Car - Multiple via restriction overlapping", "from=a to=f", ONLY),
    ("names", "", "", GUIDANCE),
    ("restrictions", "Car - No u-turn", "waypoints=z,y", TURNS),
    ("summaries", "", "", GUIDANCE),
    ("way", "Car - Basic access", "highway=road", ROAD),
];

/// Why a failing row is as it should be.
pub(crate) fn reason(file: &str, scenario: &str, row: &str) -> Option<&'static str> {
    let is_row = |(own, name, part, _): &&(&str, &str, &str, &str)| {
        *own == file && scenario.starts_with(name) && row.contains(part)
    };
    ROWS.iter().find(is_row).map(|(.., reason)| *reason)
}
