//! Rust sources as the rules see them: code without comments and strings, and the paths that stand in it.

/// A word or a mark of code, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Cuts a source into words (names, numbers) and marks, dropping comments and what strings hold.
///
/// `::`, `->` and `=>` are one mark each, a string or character literal is the mark `""`, a lifetime is dropped and
/// `r#name` is `name`.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut cutter = Cutter { rest: source, line: 1 };
    let mut tokens = Vec::new();
    while let Some(first) = cutter.rest.chars().next() {
        let line = cutter.line;
        if let Some(text) = cutter.next(first) {
            tokens.push(Token { text, line });
        }
    }
    tokens
}

struct Cutter<'a> {
    rest: &'a str,
    line: usize,
}

impl Cutter<'_> {
    fn next(&mut self, first: char) -> Option<String> {
        if self.rest.starts_with("//") {
            let length = self.rest.find('\n').unwrap_or(self.rest.len());
            self.skip(length);
            return None;
        }
        if self.rest.starts_with("/*") {
            self.block_comment();
            return None;
        }
        if is_word(first) {
            return self.word();
        }
        match first {
            '"' => Some(self.string()),
            '\'' => self.quote(),
            _ if first.is_whitespace() => {
                self.skip(first.len_utf8());
                None
            }
            _ => {
                let pair = ["::", "->", "=>"].into_iter().find(|mark| self.rest.starts_with(mark));
                let mark = pair.map_or_else(|| first.to_string(), str::to_owned);
                self.skip(mark.len());
                Some(mark)
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        let (gone, rest) = self.rest.split_at(bytes);
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
            } else if let Some(c) = self.rest.chars().next() {
                self.skip(c.len_utf8());
            }
            if depth == 0 || self.rest.is_empty() {
                return;
            }
        }
    }

    fn word(&mut self) -> Option<String> {
        let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let word = self.rest.split_at(length).0.to_owned();
        self.skip(length);
        match word.as_str() {
            "b" | "c" if self.rest.starts_with('"') => Some(self.string()),
            "b" if self.rest.starts_with('\'') => self.quote(),
            "r" | "br" | "cr" => {
                let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
                if self.rest.split_at(hashes).1.starts_with('"') {
                    Some(self.raw_string(hashes))
                } else if hashes == 1 {
                    self.skip(1);
                    None
                } else {
                    Some(word)
                }
            }
            _ => Some(word),
        }
    }

    fn raw_string(&mut self, hashes: usize) -> String {
        self.skip(hashes + 1);
        let end = format!("\"{}", "#".repeat(hashes));
        let length = self.rest.find(&end).map_or(self.rest.len(), |at| at + end.len());
        self.skip(length);
        "\"\"".to_owned()
    }

    fn string(&mut self) -> String {
        self.literal('"')
    }

    /// A character literal (`'x'`, `'\n'`), or a lifetime.
    fn quote(&mut self) -> Option<String> {
        let mut inside = self.rest.chars().skip(1);
        let (first, second) = (inside.next(), inside.next());
        if first == Some('\\') || second == Some('\'') {
            return Some(self.literal('\''));
        }
        self.skip(1);
        let length = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        self.skip(length);
        None
    }

    fn literal(&mut self, end: char) -> String {
        let mut escaped = true; // the opening quote ends nothing
        let length = self.rest.char_indices().find_map(|(at, c)| {
            let ends = c == end && !escaped;
            escaped = if at == 0 { false } else { c == '\\' && !escaped };
            ends.then_some(at + c.len_utf8())
        });
        self.skip(length.unwrap_or(self.rest.len()));
        "\"\"".to_owned()
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A path as written, with groups spread out: `use a::{b, c::d as e};` is `a::b` and `a::c::d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The names in order; a leading empty one for `::a`, a last `*` for a glob.
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// The names of the inline modules around it, outermost first.
    pub(crate) inside: Vec<String>,
    pub(crate) kind: Kind,
    /// The name that it binds, where it stands in a `use`.
    pub(crate) binds: Option<String>,
}

/// How a path is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In an expression, a type, an attribute.
    Plain,
    /// In a `use`.
    Use,
    /// In a `pub use`, of whatever visibility.
    Export,
}

/// Finds every path of two names or more, and every `use`.
pub(crate) fn paths(tokens: &[Token]) -> Vec<Path> {
    let mut found = Vec::new();
    let mut inside: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).map_or("", |previous| text(tokens, previous));
        let mut reader = Reader { tokens, at, kind: Kind::Plain, paths: Vec::new() };
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inside.retain(|(_, opened)| *opened < depth);
            }
            "mod" if text(tokens, at + 2) == "{" => inside.push((text(tokens, at + 1).to_owned(), depth)),
            "use" if text(tokens, at + 1) != "<" => {
                reader.at += 1;
                reader.kind = if matches!(before, "pub" | ")") { Kind::Export } else { Kind::Use };
                reader.tree(Vec::new());
            }
            "::" if !is_name(before) && before != ">" => reader.tree(Vec::new()),
            name if is_name(name) && !matches!(before, "::" | ".") && text(tokens, at + 1) == "::" => {
                reader.tree(Vec::new());
            }
            _ => {}
        }
        let around: Vec<String> = inside.iter().map(|(name, _)| name.clone()).collect();
        found.extend(reader.paths.into_iter().map(|path| Path { inside: around.clone(), ..path }));
        at = reader.at.max(at + 1);
    }
    found
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c == '_' || c.is_alphabetic())
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    kind: Kind,
    paths: Vec<Path>,
}

impl Reader<'_> {
    /// Reads one tree of paths, and leaves `at` behind it.
    fn tree(&mut self, mut segments: Vec<String>) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match text(self.tokens, self.at) {
                "{" => return self.group(&segments),
                "::" if segments.is_empty() => segments.push(String::new()),
                "::" => {}
                name if is_name(name) || name == "*" => {
                    segments.push(name.to_owned());
                    if text(self.tokens, self.at + 1) != "::" {
                        self.at += 1;
                        break;
                    }
                }
                _ => break,
            }
            self.at += 1;
        }
        let binds = self.binds(&segments);
        self.paths.push(Path { segments, line, inside: Vec::new(), kind: self.kind, binds });
    }

    /// What a `use` calls the last name: its alias, or that name itself.
    fn binds(&mut self, segments: &[String]) -> Option<String> {
        if self.kind == Kind::Plain {
            return None;
        }
        if text(self.tokens, self.at) == "as" {
            self.at += 2;
            return Some(text(self.tokens, self.at - 1).to_owned());
        }
        segments.iter().rev().find(|name| *name != "self").cloned()
    }

    fn group(&mut self, prefix: &[String]) {
        self.at += 1;
        while !matches!(text(self.tokens, self.at), "}" | "") {
            if text(self.tokens, self.at) == "," {
                self.at += 1;
            } else {
                let before = self.at;
                self.tree(prefix.to_vec());
                self.at = self.at.max(before + 1);
            }
        }
        self.at += 1;
    }
}
