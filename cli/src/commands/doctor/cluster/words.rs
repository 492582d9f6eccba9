//! How it is told.

use super::super::judge::Level;
use super::super::row::{Look, Row};
use super::super::words::wrap;
use crate::render::escape;
use palinode_executors::ClusterCheckup;
use serde_json::{Value, json};

/// What was found, for people.
pub(crate) fn text(look: &Look<ClusterCheckup>, rows: &[Row]) -> String {
    let name = match look {
        Look::Seen(found) => found.id.server.clone(),
        Look::Refused(_) | Look::Unreached(_) => "the cluster".to_owned(),
    };
    let mut out = format!("{}\n\n", escape(&name));
    for row in rows {
        let mark = match row.level {
            Level::Broken => "BROKEN",
            Level::Note => "note",
            Level::Good => "good",
        };
        out.push_str(&wrap(&format!("  {mark:<7} {:<9} ", row.about), &escape(&row.what)));
        if let Some(next) = &row.next {
            out.push_str(&wrap(&format!("{:19} -> ", ""), &escape(next)));
        }
    }
    out.push_str(match look {
        Look::Unreached(_) => "\ncould not be looked at\n",
        _ if rows.iter().any(|row| row.level == Level::Broken) => "\na run would not work there\n",
        _ => "\nwell: nothing that was looked at keeps a run from working\n",
    });
    out
}

/// The same as data.
pub(crate) fn as_json(look: &Look<ClusterCheckup>, rows: &[Row]) -> Value {
    let facts = match look {
        Look::Refused(_) | Look::Unreached(_) => Value::Null,
        Look::Seen(found) => json!({
            "cluster": found.id,
            "rights": found.rights.iter().map(|rights| json!({ "of": rights.of, "lacking": rights.lacking })).collect::<Vec<_>>(),
            "clock_us": found.clock.map(|clock| json!({ "ahead": clock.ahead, "error": clock.error })),
            "groups": found.groups,
            "evictions": found.evictions,
            "nodes": found.nodes.as_ref().ok().map(|nodes| json!({
                "all": nodes.all,
                "not_ready": nodes.not_ready,
                "cordoned": nodes.cordoned,
                "claimed": nodes.claimed.iter().map(|((journal, who), nodes)| {
                    json!({ "journal": journal, "who": who, "nodes": nodes })
                }).collect::<Vec<_>>(),
            })),
        }),
    };
    json!({
        "well": rows.iter().all(|row| row.level != Level::Broken),
        "reached": !matches!(look, Look::Unreached(_)),
        "facts": facts,
        "findings": rows.iter().map(|row| json!({
            "about": row.about,
            "level": match row.level { Level::Broken => "broken", Level::Note => "note", Level::Good => "good" },
            "what": row.what,
            "next": row.next,
        })).collect::<Vec<_>>(),
    })
}
