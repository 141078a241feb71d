//! CommonMark events as a small tree of blocks with their places in the source.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// Containers deeper than this are flattened: nobody reads them, and a hostile file must not exhaust the stack.
const DEEPEST: usize = 48;

/// A parsed document.
#[derive(Debug)]
pub struct Doc {
    /// Blocks at the top level.
    pub nodes: Vec<Node>,
}

/// A block.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub what: What,
    /// Line it starts at, from 1.
    pub line: u32,
}

/// Kinds of block.
#[derive(Debug, Clone)]
pub enum What {
    /// Level and text.
    Heading(u8, Vec<Inline>),
    /// Running text.
    Para(Vec<Inline>),
    /// Code, fenced or indented.
    Code(Code),
    /// First number where it is numbered, and the items.
    List(Option<u64>, Vec<Item>),
    /// A block quote.
    Quote(Vec<Node>),
    /// Tables and HTML, as written.
    Raw(String),
}

/// An item of a list.
#[derive(Debug, Clone)]
pub struct Item {
    /// `[ ]` is false, `[x]` true.
    pub task: Option<bool>,
    /// What is in it.
    pub nodes: Vec<Node>,
    /// Line it starts at, from 1.
    pub line: u32,
}

/// Code as it stands.
#[derive(Debug, Clone, Default)]
pub struct Code {
    /// Everything after the opening marks, from the source; none for indented code.
    pub info: Option<String>,
    /// Column at which that begins, in characters from 1.
    pub column: u32,
    /// Contents, without the last line end.
    pub text: String,
    /// Number of backticks of the opening fence; 0 where it is made of tildes.
    pub ticks: usize,
    /// Whether a fence closes it.
    pub closed: bool,
}

/// A piece of running text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Words.
    Text(String),
    /// `code`.
    Code(String),
    /// Strong text begins (true) or ends.
    Strong(bool),
    /// A link begins, with its target, or ends.
    Link(Option<String>),
    /// The end of a line.
    Break,
}

/// From offsets to line numbers.
#[derive(Debug)]
pub struct Lines {
    ends: Vec<usize>,
    base: u32,
}

impl Lines {
    /// `base` is the number of lines before the text.
    pub fn new(text: &str, base: u32) -> Self {
        Self { ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect(), base }
    }

    /// The line, from 1, that an offset is in.
    pub fn at(&self, offset: usize) -> u32 {
        let before = self.ends.partition_point(|end| *end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(self.base).saturating_add(1)
    }
}

/// What of Markdown beyond CommonMark is read.
pub fn options() -> Options {
    Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}

/// The mark and the number of marks that a fence's source begins with.
pub fn fence_of(slice: &str) -> Option<(char, usize)> {
    let bare = slice.trim_start();
    let mark = bare.chars().next().filter(|c| *c == '`' || *c == '~')?;
    Some((mark, bare.chars().take_while(|c| *c == mark).count()))
}

/// Whether a fence's source ends with a line that closes it.
pub fn is_closed(slice: &str, mark: char, open: usize) -> bool {
    let mut lines = slice.trim_end().lines();
    let several = lines.next().is_some();
    let Some(last) = lines.next_back().filter(|_| several) else { return false };
    let bare = last.trim_start_matches(['>', ' ', '\t']).trim_end();
    bare.chars().count() >= open && bare.chars().all(|c| c == mark)
}

/// Reads Markdown. `base` is the number of lines of the file before it.
pub fn read(text: &str, base: u32) -> Doc {
    let mut builder = Builder {
        text,
        lines: Lines::new(text, base),
        stack: Vec::new(),
        root: Vec::new(),
        open: None,
        skipped: 0,
        raw: 0,
    };
    for (event, at) in Parser::new_ext(text, options()).into_offset_iter() {
        builder.take(event, at);
    }
    builder.close_implicit();
    while !builder.stack.is_empty() {
        builder.pop();
    }
    Doc { nodes: builder.root }
}

enum Frame {
    List(Option<u64>, Vec<Item>, u32),
    Item(Item),
    Quote(Vec<Node>, u32),
}

enum Open {
    /// Inlines of a heading, of a paragraph, or (level none and true) of a tight item's own text.
    Inlines {
        level: Option<u8>,
        implicit: bool,
        inlines: Vec<Inline>,
        line: u32,
    },
    Code(Code, u32),
}

struct Builder<'a> {
    text: &'a str,
    lines: Lines,
    stack: Vec<Frame>,
    root: Vec<Node>,
    open: Option<Open>,
    skipped: usize,
    raw: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, at: Range<usize>) {
        if self.raw > 0 {
            match event {
                Event::Start(Tag::Table(_) | Tag::HtmlBlock) => self.raw += 1,
                Event::End(TagEnd::Table | TagEnd::HtmlBlock) => self.raw -= 1,
                _ => {}
            }
            return;
        }
        let line = self.lines.at(at.start);
        match event {
            Event::Start(tag) => self.start(tag, &at, line),
            Event::End(end) => self.end(end),
            Event::Text(t) => match &mut self.open {
                Some(Open::Code(code, _)) => code.text.push_str(&t),
                _ => self.inline(Inline::Text(t.into_string()), line),
            },
            Event::InlineHtml(t) if t.starts_with("<br") => self.inline(Inline::Break, line),
            Event::InlineHtml(t) if t.starts_with("<!--") => {}
            Event::InlineHtml(t) | Event::Html(t) => self.inline(Inline::Text(t.into_string()), line),
            Event::Code(t) | Event::InlineMath(t) | Event::DisplayMath(t) => {
                self.inline(Inline::Code(t.into_string()), line);
            }
            Event::SoftBreak | Event::HardBreak => self.inline(Inline::Break, line),
            Event::TaskListMarker(ticked) => {
                if let Some(Frame::Item(item)) = self.stack.last_mut() {
                    item.task = Some(ticked);
                }
            }
            Event::Rule => self.close_implicit(),
            Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, at: &Range<usize>, line: u32) {
        match tag {
            Tag::Strong => return self.inline(Inline::Strong(true), line),
            Tag::Link { dest_url, .. } => {
                return self.inline(Inline::Link(Some(dest_url.into_string())), line);
            }
            Tag::Emphasis | Tag::Strikethrough | Tag::Image { .. } => return,
            _ => self.close_implicit(),
        }
        let inlines = |level| Open::Inlines { level, implicit: false, inlines: Vec::new(), line };
        match tag {
            Tag::Paragraph => self.open = Some(inlines(None)),
            Tag::Heading { level, .. } => self.open = Some(inlines(Some(number(level)))),
            Tag::CodeBlock(kind) => {
                let mut code = Code { closed: true, ..Code::default() };
                if let CodeBlockKind::Fenced(_) = kind {
                    let slice = self.text.get(at.clone()).unwrap_or_default();
                    if let Some((mark, marks)) = fence_of(slice) {
                        let first = slice.trim_start().lines().next().unwrap_or_default();
                        let info = first.trim_start_matches(mark);
                        code.info = Some(info.trim().to_owned());
                        let begins = at.start + slice.len() - slice.trim_start().len() + first.len()
                            - info.trim_start().len();
                        code.column = self.column(begins);
                        code.ticks = if mark == '`' { marks } else { 0 };
                        code.closed = is_closed(slice, mark, marks);
                    }
                }
                self.open = Some(Open::Code(code, line));
            }
            Tag::Table(_) | Tag::HtmlBlock => {
                self.raw = 1;
                let slice = self.text.get(at.clone()).unwrap_or_default().trim_end();
                if !slice.starts_with("<!--") {
                    self.put(Node { what: What::Raw(slice.to_owned()), line });
                }
            }
            Tag::List(_) | Tag::Item | Tag::BlockQuote(_) if self.stack.len() >= DEEPEST => self.skipped += 1,
            Tag::List(first) => self.stack.push(Frame::List(first, Vec::new(), line)),
            Tag::Item => self.stack.push(Frame::Item(Item { task: None, nodes: Vec::new(), line })),
            Tag::BlockQuote(_) => self.stack.push(Frame::Quote(Vec::new(), line)),
            _ => {}
        }
    }

    /// The column, from 1, that an offset is in.
    fn column(&self, offset: usize) -> u32 {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        u32::try_from(line.chars().count()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Strong => self.inline(Inline::Strong(false), 0),
            TagEnd::Link => self.inline(Inline::Link(None), 0),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock => self.close(),
            TagEnd::List(_) | TagEnd::Item | TagEnd::BlockQuote(_) => {
                self.close_implicit();
                if self.skipped > 0 {
                    self.skipped -= 1;
                } else {
                    self.pop();
                }
            }
            _ => {}
        }
    }

    fn inline(&mut self, inline: Inline, line: u32) {
        match &mut self.open {
            Some(Open::Inlines { inlines, .. }) => inlines.push(inline),
            Some(Open::Code(..)) => {}
            None => {
                self.open = Some(Open::Inlines { level: None, implicit: true, inlines: vec![inline], line });
            }
        }
    }

    fn close_implicit(&mut self) {
        if matches!(self.open, Some(Open::Inlines { implicit: true, .. })) {
            self.close();
        }
    }

    fn close(&mut self) {
        let node = match self.open.take() {
            Some(Open::Inlines { level: Some(level), inlines, line, .. }) => {
                Node { what: What::Heading(level, inlines), line }
            }
            Some(Open::Inlines { inlines, line, .. }) => Node { what: What::Para(inlines), line },
            Some(Open::Code(mut code, line)) => {
                if code.text.ends_with('\n') {
                    code.text.pop();
                }
                Node { what: What::Code(code), line }
            }
            None => return,
        };
        self.put(node);
    }

    fn put(&mut self, node: Node) {
        match self.stack.last_mut() {
            Some(Frame::Item(item)) => item.nodes.push(node),
            Some(Frame::Quote(nodes, _)) => nodes.push(node),
            Some(Frame::List(_, items, _)) => match items.last_mut() {
                Some(item) => item.nodes.push(node),
                None => items.push(Item { task: None, line: node.line, nodes: vec![node] }),
            },
            None => self.root.push(node),
        }
    }

    fn pop(&mut self) {
        match self.stack.pop() {
            Some(Frame::Item(item)) => match self.stack.last_mut() {
                Some(Frame::List(_, items, _)) => items.push(item),
                _ => item.nodes.into_iter().for_each(|node| self.put(node)),
            },
            Some(Frame::List(first, items, line)) => self.put(Node { what: What::List(first, items), line }),
            Some(Frame::Quote(nodes, line)) => self.put(Node { what: What::Quote(nodes), line }),
            None => {}
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
