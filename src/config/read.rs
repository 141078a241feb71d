//! A tree read into types, by serde, with every fault of it found and not only the first.

use super::{
    fault::{Fault, Why},
    nearest,
    problem::{Files, Problem},
    tree::{At, Entry, Node, Step, Table, Value, written},
};
use serde::{
    Deserialize,
    de::{self, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor},
};
use std::collections::BTreeSet;

/// The key that says which variant of an enum a table is.
const TAG: &str = "kind";

/// Most faults that are told at once.
const FAULTS_MAX: usize = 100;

/// Reads what can be read. What is wrong is taken out of the tree and told, until the rest is right.
pub fn read<T: for<'de> Deserialize<'de>>(
    tree: &mut Node,
    files: &Files,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut pruned: BTreeSet<(At, String)> = BTreeSet::new();
    for _ in 0..FAULTS_MAX {
        let mut fault = match T::deserialize(De { node: tree, skip: None }) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        fault.steps.reverse();
        let inside = tree.place(&fault.steps, false);
        let lost = |name: &str| pruned.contains(&(inside, name.to_owned()));
        let consequence = match fault.why {
            Why::Missing(name) => lost(name) || pruned.iter().any(|(at, k)| *at == inside && meant(k, name)),
            Why::Said(_) => pruned.iter().any(|(at, _)| *at == inside),
            _ => false,
        };
        if !consequence {
            problems.push(told(&fault, tree, files));
        }
        if let Some((Step::Key(name), above)) = fault.steps.split_last() {
            pruned.insert((tree.place(above, false), name.clone()));
        }
        if !tree.prune(&fault.steps) {
            return None;
        }
    }
    None
}

/// Whether somebody who wrote `key` meant `name`.
fn meant(key: &str, name: &'static str) -> bool {
    nearest::of(key, &[name]).is_some()
}

fn told(fault: &Fault, tree: &Node, files: &Files) -> Problem {
    let path = &fault.steps;
    let list = |known: &[&str]| known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    let hides = path
        .iter()
        .any(|step| matches!(step, Step::Key(key) if key != "tokens" && nearest::sounds_secret(key)));
    let shown =
        |name: &str| crate::domain::text::line(&name.chars().take(60).collect::<String>()).into_owned();
    let (what, help) = match &fault.why {
        Why::Key { name, known } => {
            let help = match nearest::of(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.contains(&"auth") && nearest::sounds_secret(name) => {
                    "secrets stand under auth: auth = { bearer = { env = \"NAME\" } }".into()
                }
                None if known.is_empty() => "nothing can stand here".into(),
                None => format!("known here: {}", list(known)),
            };
            (format!("unknown key `{}`", shown(name)), help)
        }
        Why::Word { name, known } => {
            let near =
                nearest::of(name, known).map(|n| format!("did you mean \"{n}\"? ")).unwrap_or_default();
            (format!("unknown word \"{}\"", shown(name)), format!("{near}known here: {}", list(known)))
        }
        Why::Missing(name) => (format!("`{name}` is missing"), format!("add  {name} = …  to this table")),
        Why::Type { found, wanted } if hides => {
            let kind = match found.split_once(' ') {
                Some(("text", _)) => "text",
                Some(("the", _)) => "a number",
                _ => found,
            };
            (format!("{kind} where {wanted} is wanted"), String::new())
        }
        Why::Type { found, wanted } => {
            let key = path.iter().rev().find_map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                Step::Index(_) => None,
            });
            let help = type_help(found, wanted, key.unwrap_or("name"));
            (format!("{found} where {wanted} is wanted"), help)
        }
        Why::Said(said) => match said.split_once(": ") {
            Some((what, help)) => (what.to_owned(), help.to_owned()),
            None => (said.clone(), String::new()),
        },
    };
    let mut problem = Problem::error(files, tree.place(path, fault.on_key), written(path), what).help(help);
    problem.mask = hides;
    problem
}

fn type_help(found: &str, wanted: &str, key: &str) -> String {
    let number = found.strip_prefix("the number ");
    match (number, wanted) {
        (Some(n), "text in quotes") => {
            format!("in quotes: \"{n}\"; a length of time with its unit: \"{n}s\"")
        }
        (_, "text in quotes") if found == "a date" => "in quotes; a length of time is written \"48h\"".into(),
        (_, "a number") => format!("without quotes: {key} = 0.01"),
        (_, "true or false") => "without quotes: true or false".into(),
        (_, "a list in [ ]") if found == "a table" => {
            format!("several of a kind are written with two brackets, [[{key}]]")
        }
        (_, "a list in [ ]") => "write [\"one\", \"two\"], also for a single one".into(),
        (_, "a table") => format!("write a table: [{key}], or {key} = {{ … }}"),
        (None, _) if wanted.starts_with("a whole number") && found.starts_with("text") => {
            "without quotes and without a unit; a size is in bytes: 268435456 is 256 MiB".into()
        }
        _ => String::new(),
    }
}

struct De<'a> {
    node: &'a Node,
    skip: Option<&'static str>,
}

impl<'de> Deserializer<'de> for De<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_str(text),
            Value::Int(n) => match u64::try_from(*n) {
                Ok(n) => visitor.visit_u64(n),
                Err(_) => visitor.visit_i64(*n),
            },
            Value::Float(n) => visitor.visit_f64(*n),
            Value::Bool(is) => visitor.visit_bool(*is),
            Value::Date(_) => Err(de::Error::invalid_type(de::Unexpected::Other("a date"), &visitor)),
            Value::Vast(_) => Err(de::Error::invalid_type(de::Unexpected::Other("a vast number"), &visitor)),
            Value::List(list) => visitor.visit_seq(Items { list: list.iter(), index: 0 }),
            Value::Table(table) => {
                visitor.visit_map(Keys { table: table.iter(), next: None, skip: self.skip })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, v: V) -> Result<V::Value, Fault> {
        v.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Text(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Value::Table(table) => {
                if let Some(Entry { node, .. }) = table.get(TAG) {
                    return visitor.visit_enum(Tagged { tag: node, node: self.node });
                }
                let help = table.keys().find(|key| meant(key, TAG)).map_or_else(
                    || format!("add {TAG} = one of \"{}\"", words.join("\", \"")),
                    |key| format!("rename `{key}` to `{TAG}`"),
                );
                Err(de::Error::custom(format!("`{TAG}` is missing: {help}")))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Keys<'a> {
    table: std::collections::btree_map::Iter<'a, String, Entry>,
    next: Option<(&'a str, &'a Node)>,
    skip: Option<&'static str>,
}

impl<'de> MapAccess<'de> for Keys<'_> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let skip = self.skip;
        let Some((key, entry)) = self.table.by_ref().find(|(key, _)| Some(key.as_str()) != skip) else {
            return Ok(None);
        };
        self.next = Some((key, &entry.node));
        let name: de::value::StrDeserializer<'_, Fault> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|fault| fault.of_key(key))
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, node) = self.next.take().ok_or_else(|| de::Error::custom("a value without a key"))?;
        seed.deserialize(De { node, skip: None }).map_err(|fault| fault.under(Step::Key(key.to_owned())))
    }
}

struct Items<'a> {
    list: std::slice::Iter<'a, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(node) = self.list.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(De { node, skip: None }).map(Some).map_err(|fault| fault.under(Step::Index(index)))
    }
}

/// A table with a `kind`: the word chooses the variant, the other keys are its content.
struct Tagged<'a> {
    tag: &'a Node,
    node: &'a Node,
}

impl<'de, 'a> EnumAccess<'de> for Tagged<'a> {
    type Error = Fault;
    type Variant = Content<'a>;

    fn variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'a>), Fault> {
        let tag = De { node: self.tag, skip: None };
        let variant = seed.deserialize(tag).map_err(|fault| fault.under(Step::Key(TAG.to_owned())))?;
        Ok((variant, Content(self.node)))
    }
}

struct Content<'a>(&'a Node);

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }
    fn newtype_variant_seed<S: de::DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(De { node: self.0, skip: Some(TAG) })
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        De { node: self.0, skip: Some(TAG) }.deserialize_any(visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], v: V) -> Result<V::Value, Fault> {
        De { node: self.0, skip: Some(TAG) }.deserialize_any(v)
    }
}

/// The table of a node; an empty one for anything else.
pub fn table(node: Node) -> Table {
    match node.value {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}
