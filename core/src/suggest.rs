//! Did you mean: the known name that is nearest to one that is not known.

use crate::shown::Shown as _;

/// The known name that was probably meant, if one is near enough and no other is as near: of `gluster9` nobody can say
/// whether `gluster1` or `gluster2` was meant, and a wrong host is worse than no help.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    match scored(word, known).as_slice() {
        [(best, name), rest @ ..] if rest.first().is_none_or(|(score, _)| score > best) => Some(name),
        _ => None,
    }
}

/// The known names that were probably meant, the nearest first, at most three.
///
/// A name that differs in a few letters is near, and so is one that begins with the word or has it as a part: `drain` for
/// `kube.drain`, `gluster1` for `gluster1.demo`.
pub fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let found = scored(word, known);
    let best = found.first().map_or(0, |(score, _)| *score);
    found.into_iter().filter(|(score, _)| *score <= best + 2).take(3).map(|(_, name)| name).collect()
}

/// The names that are near enough, with how far they are; the nearest first.
fn scored<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    // Long texts are no typos, and comparing them takes time.
    if word.is_empty() || word.len() > LONGEST {
        return Vec::new();
    }
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .filter_map(|name| Some((score(&word, &plain(name))?, name)))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

const LONGEST: usize = 200;

/// How far a name is from a word; none if it is too far.
fn score(word: &str, name: &str) -> Option<usize> {
    // Of names that differ in their number alone, one is no typo of another: `gluster10` is not `gluster1`.
    let bare = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    if word != name && bare(word) == bare(name) {
        return None;
    }
    let parts = || name.split(['/', '.']);
    let whole = letters(word, name).map(|distance| distance * 2);
    let last = letters(word, parts().next_back().unwrap_or(name)).filter(|_| !word.contains('.'));
    let is_part = word.len() >= 3 && parts().any(|part| part == word);
    let cut = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let begins = (word.len() >= 3 && cut(name, word)).then(|| 3 + name.len() - word.len());
    let goes_on = (name.len() >= 4 && cut(word, name)).then(|| 3 + word.len() - name.len());
    let all = whole
        .into_iter()
        .chain(last.map(|distance| distance * 2 + 1))
        .chain(is_part.then_some(1))
        .chain(begins)
        .chain(goes_on);
    all.min()
}

/// How many letters differ, if they are few for words of this length.
fn letters(one: &str, other: &str) -> Option<usize> {
    let most = match one.chars().count().min(other.chars().count()) {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    Some(strsim::damerau_levenshtein(one, other)).filter(|distance| *distance <= most)
}

/// What to do about a name that is not known, where all known ones were listed before: with the one that was meant, if any.
pub fn correct<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(name) => format!("correct {what}: did you mean `{}`?", name.shown()),
        None => format!("correct {what}"),
    }
}

/// What to type in place of a name that is not known: the nearest name, or the list of all.
pub(crate) fn did_you_mean<'a>(word: &str, noun: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(name) => format!("did you mean `{}`?", name.shown()),
        None => {
            let all: Vec<String> = known.into_iter().map(|name| name.shown()).collect();
            match all.is_empty() {
                true => format!("there are no {noun}"),
                false => format!("{noun} are {}", all.join(", ")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_the_name_that_was_meant() {
        let known =
            ["kube.cordon", "kube.uncordon", "kube.drain", "kube.delete", "kube.delete-node", "wait", "kube.wait"];
        for (word, name) in [
            ("kube.drian", Some("kube.drain")),
            ("kube.cordn", Some("kube.cordon")),
            ("drain", Some("kube.drain")),
            ("uncordon", Some("kube.uncordon")),
            ("kube.delete_node", Some("kube.delete-node")),
            ("Kube.Drain", Some("kube.drain")),
            ("wiat", Some("wait")),
            ("kube.cord", Some("kube.cordon")),
            ("reticulate", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known), name, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), known), None);
        assert_eq!(near("gluster1", ["gluster1.demo", "gluster2.demo", "master1.demo"]), ["gluster1.demo"]);
        assert_eq!(near("glutser1.demo", ["gluster2.demo", "gluster1.demo"]), ["gluster1.demo", "gluster2.demo"]);
        let hosts = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];
        assert_eq!(nearest("gluster9.demo", hosts), None, "no number is a typo of another");
        for (word, hosts) in [
            ("gluster10.demo", &["gluster1.demo", "gluster2.demo"][..]),
            ("gluster", &["gluster1.demo", "gluster10.demo"]),
            ("node11", &["node1"]),
            ("db30", &["db3"]),
        ] {
            assert_eq!(nearest(word, hosts.iter().copied()), None, "{word}");
        }
        assert_eq!(nearest("glutser2.demo", hosts), Some("gluster2.demo"));
        assert_eq!(did_you_mean("q", "colours", ["red", "green"]), "colours are red, green");
        assert_eq!(did_you_mean("q", "colours", []), "there are no colours");
    }
}
