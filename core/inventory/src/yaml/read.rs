//! Inventories in YAML: groups with hosts, variables and children, one in the other.

use crate::ini::address::expand;
use crate::model::error::{Wrong, shown};
use crate::model::estate::{At, Estate};
use crate::model::value::Value;
use crate::yaml::document::Lines;

/// Reads an inventory into the estate. What was read before something wrong stays there.
pub(crate) fn read(data: &Value, lines: Lines<'_>, file: usize, estate: &mut Estate) -> Result<(), Wrong> {
    let Value::Map(groups) = data else {
        let why = format!("this is {}, not a map of groups", data.kind());
        return Err(Wrong::new(1, why, "begin with `all:`, and write hosts, vars and children below it"));
    };
    let mut reader = Reader { estate, file };
    for (name, content) in groups {
        let (line, lines) = lines.of(&name.key().unwrap_or_default());
        reader.group(name, content, line.unwrap_or(1), lines)?;
    }
    Ok(())
}

struct Reader<'a> {
    estate: &'a mut Estate,
    file: usize,
}

impl Reader<'_> {
    /// Reads a group; its place, if it is one.
    fn group(&mut self, name: &Value, content: &Value, line: usize, lines: Lines<'_>) -> Result<Option<usize>, Wrong> {
        let pairs: &[(Value, Value)] = match content {
            Value::Map(pairs) => pairs,
            Value::Null => &[],
            // Ansible warns and goes on.
            _ => return Ok(name.as_text().and_then(|name| self.estate.find_group(name))),
        };
        let named = name.as_text().filter(|name| !name.is_empty());
        let wrong = || Wrong::new(line, format!("a group is named by {}", name.kind()), "put its name in quotes");
        let group_name = named.ok_or_else(wrong)?;
        let group = self.estate.group_at(group_name, At { file: self.file, line });
        for (key, part) in pairs {
            let known = key.as_text().filter(|key| matches!(*key, "vars" | "children" | "hosts"));
            if let Some(known) = known
                && !matches!(part, Value::Map(_) | Value::Null | Value::Text(_) | Value::Unsafe(_))
            {
                let why = format!("`{known}` of group {} is {}", shown(group_name), part.kind());
                let line = lines.of(known).0.unwrap_or(line);
                return Err(Wrong::new(line, why, "write a map below it: each name with a colon behind it"));
            }
        }
        for (key, part) in pairs {
            let Some(key) = key.as_text() else { continue };
            let (key_line, lines) = lines.of(key);
            let single;
            let entries: &[(Value, Value)] = match part {
                Value::Map(entries) => entries,
                Value::Text(_) | Value::Unsafe(_) => {
                    single = [(part.clone(), Value::Null)];
                    &single
                }
                _ => continue,
            };
            for (name, value) in entries {
                let text = name.key().unwrap_or_default();
                let (line, lines) = lines.of(&text);
                let line = line.or(key_line).unwrap_or(1);
                match key {
                    "vars" => self.estate.set_of_group(group, &text, value.clone(), At { file: self.file, line })?,
                    "children" => {
                        let child = self.group(name, value, line, lines)?;
                        let wrong = || {
                            let why = format!("child {} of group {} is no group", shown(&text), shown(group_name));
                            Wrong::new(line, why, "write a colon behind its name, and a map or nothing after it")
                        };
                        self.estate.add_child(group, child.ok_or_else(wrong)?, line)?;
                    }
                    "hosts" => self.host(name, value, group, line, lines)?,
                    _ => {}
                }
            }
        }
        Ok(Some(group))
    }

    fn host(&mut self, name: &Value, vars: &Value, group: usize, line: usize, lines: Lines<'_>) -> Result<(), Wrong> {
        let wrong = || Wrong::new(line, format!("a host is named by {}", name.kind()), "put its name in quotes");
        let pattern = name.as_text().ok_or_else(wrong)?;
        let (hosts, port) = expand(pattern, line)?;
        let nothing = Vec::new();
        let vars = match vars {
            Value::Map(vars) => vars,
            empty if empty.is_false() => &nothing,
            other => {
                let why = format!("host {} has {}, not a map of variables", shown(pattern), other.kind());
                return Err(Wrong::new(line, why, "write each variable as `name: value` below the host"));
            }
        };
        for host in hosts {
            if host.is_empty() {
                return Err(Wrong::new(line, "a host has no name", "write its name"));
            }
            self.estate.add_host(&host, group, port.as_deref(), At { file: self.file, line });
            for (name, value) in vars {
                let name = name.key().unwrap_or_default();
                let line = lines.of(&name).0.unwrap_or(line);
                self.estate.set(&host, &name, value.clone(), At { file: self.file, line })?;
            }
        }
        Ok(())
    }
}
