//! Names that are close to a name that was not found.

/// At most this many near misses are named.
const AT_MOST: usize = 3;

/// The names nearest to `wanted`, best first: the same but for case, the same last part of a dotted name,
/// or few letters apart.
pub fn near_misses<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(usize, &str)> = names
        .filter(|name| *name != wanted)
        .filter_map(|name| score(wanted, name).map(|score| (score, name)))
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().take(AT_MOST).map(|(_, name)| name.to_owned()).collect()
}

/// Smaller is nearer; `None` is too far.
fn score(wanted: &str, name: &str) -> Option<usize> {
    if wanted.eq_ignore_ascii_case(name) {
        return Some(0);
    }
    let last = |dotted: &str| dotted.rsplit('.').next().unwrap_or(dotted).to_owned();
    if last(wanted) == last(name) {
        return Some(1);
    }
    let distance = distance(wanted, name);
    let limit = wanted.chars().count().max(4) / 3;
    (distance <= limit).then_some(distance + 1)
}

/// Edit distance in characters (insertions, deletions, replacements).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_case_last_part_and_letters() {
        let names = ["Retry.from_int", "Retry.increment", "retry", "unrelated"];
        assert_eq!(near_misses("Retry.incremnt", names.into_iter()), ["Retry.increment"]);
        assert_eq!(near_misses("Rety.from_int", names.into_iter()), ["Retry.from_int"]);
        assert_eq!(near_misses("RETRY", names.into_iter()), ["retry"]);
        assert!(near_misses("zzzz", names.into_iter()).is_empty());
    }
}
