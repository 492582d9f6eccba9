//! What inventory scripts print: JSON with groups, and with the variables of hosts in `_meta`, or asked for one by one.

use crate::ansible::json::from_json_or_why;
use crate::model::error::{Wrong, shown};
use crate::model::estate::{At, Estate};
use crate::model::value::Value;

const MEND: &str = "have the script print {\"GROUP\": {\"hosts\": [...]}, \"_meta\": {\"hostvars\": {...}}}";

/// Reads what a script printed into the estate. `of_host` asks it for the variables of one host.
pub(crate) fn read(
    output: &[u8],
    file: usize,
    estate: &mut Estate,
    of_host: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<(), Wrong> {
    let at = At { file, line: 0 };
    let data = json(output)?;
    let Value::Map(groups) = &data else { return Err(wrong(format!("the script prints {}, not a map", data.kind()))) };
    let mut meta = None;
    if let Some((_, value)) = groups.iter().find(|(name, _)| name.as_text() == Some("_meta")) {
        let Value::Map(_) = value else { return Err(wrong(format!("_meta is {}, not a map", value.kind()))) };
        if let Some(profile) = get(value, "profile")
            && profile.as_text() != Some("inventory_legacy")
        {
            return Err(wrong("_meta.profile is none that inventories have"));
        }
    }
    let mut hosts = Vec::new();
    for (name, value) in groups {
        let name = name.as_text().unwrap_or_default();
        if name == "_meta" {
            match get(value, "hostvars") {
                Some(Value::Map(_)) => meta = get(value, "hostvars"),
                _ => return Err(wrong("_meta has no map of hostvars")),
            }
        } else {
            group(name, value, at, estate, &mut hosts)?;
        }
    }
    hosts.sort();
    hosts.dedup();
    for host in hosts {
        let asked;
        let vars = match meta {
            Some(meta) => get(meta, &host),
            None => {
                let output = of_host(&host).map_err(wrong)?;
                asked =
                    if output.iter().all(u8::is_ascii_whitespace) { Value::Map(Vec::new()) } else { json(&output)? };
                Some(&asked)
            }
        };
        match vars {
            None => {}
            Some(Value::Map(vars)) => {
                for (name, value) in vars {
                    estate.set(&host, &name.key().unwrap_or_default(), value.clone(), at)?;
                }
            }
            Some(other) => return Err(wrong(format!("the variables of {} are {}", shown(&host), other.kind()))),
        }
    }
    Ok(())
}

fn wrong(why: impl Into<String>) -> Wrong {
    Wrong::anywhere(why, MEND)
}

fn json(output: &[u8]) -> Result<Value, Wrong> {
    let text = std::str::from_utf8(output).map_err(|_| wrong("what the script prints is not UTF-8"))?;
    from_json_or_why(text).map_err(|(_, why)| wrong(format!("what the script prints is no JSON: {why}")))
}

fn get<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    let Value::Map(pairs) = map else { return None };
    pairs.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
}

fn group(name: &str, data: &Value, at: At, estate: &mut Estate, all_hosts: &mut Vec<String>) -> Result<(), Wrong> {
    if name.is_empty() {
        return Err(wrong("a group has no name"));
    }
    let group = estate.group(name);
    let shape = |what: &str, value: &Value| wrong(format!("{what} of group {} is {}", shown(name), value.kind()));
    let (hosts, vars, children) = match data {
        Value::Map(_) => (get(data, "hosts"), get(data, "vars"), get(data, "children")),
        _ => (Some(data), None, None),
    };
    match (hosts, data) {
        (Some(Value::List(hosts)), _) => {
            for host in hosts {
                let host = host.as_text().filter(|host| !host.is_empty()).ok_or_else(|| shape("a host", host))?;
                add(host, group, at, estate, all_hosts);
            }
        }
        (Some(other), _) => return Err(shape("`hosts`", other)),
        // The oldest form: a host of the group's own name, and its variables.
        (None, Value::Map(own)) if vars.is_none() && children.is_none() => {
            add(name, group, at, estate, all_hosts);
            for (key, value) in own {
                estate.set_of_group(group, &key.key().unwrap_or_default(), untrusted(value), at)?;
            }
        }
        _ => {}
    }
    match vars {
        None => {}
        Some(Value::Map(vars)) => {
            for (key, value) in vars {
                estate.set_of_group(group, &key.key().unwrap_or_default(), value.clone(), at)?;
            }
        }
        Some(other) => return Err(shape("`vars`", other)),
    }
    match children {
        None => {}
        Some(Value::List(children)) => {
            for child in children {
                let child = child.as_text().filter(|child| !child.is_empty()).ok_or_else(|| shape("a child", child))?;
                let child = estate.group(child);
                estate.add_child(group, child, 0).map_err(|wrong| Wrong { line: None, ..wrong })?;
            }
        }
        Some(other) => return Err(shape("`children`", other)),
    }
    Ok(())
}

fn add(host: &str, group: usize, at: At, estate: &mut Estate, all: &mut Vec<String>) {
    estate.add_host(host, group, None, at);
    all.push(host.to_owned());
}

/// Texts that no template may be made of.
fn untrusted(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Unsafe(text.clone()),
        Value::List(items) => Value::List(items.iter().map(untrusted).collect()),
        Value::Map(pairs) => Value::Map(pairs.iter().map(|(key, value)| (key.clone(), untrusted(value))).collect()),
        other => other.clone(),
    }
}
