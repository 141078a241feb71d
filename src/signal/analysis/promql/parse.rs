//! From words to an expression: precedence climbing, bounded in depth.

use super::PromqlError;
use super::ast::{Aggregation, Binary, Expr, Grouping, Matcher, Op, Selector, Test};
use super::lex::{Token, lex, syntax};
use std::ops::Range;

/// Deepest nesting, operators in a row included, so that evaluation never runs out of stack.
const DEPTH_MAX: usize = 200;
/// Most bytes of a compiled regular expression.
const REGEX_MAX: usize = 1 << 20;

/// Reads a query. Errors say the column, or what of PromQL is not understood here.
pub fn parse(query: &str) -> Result<Expr, PromqlError> {
    let mut parser = Parser { query, tokens: lex(query)?, at: 0, spent: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(Token::Name(word)) if word.eq_ignore_ascii_case("offset") => {
            Err(PromqlError::Unsupported("offset".into()))
        }
        Some(Token::Sign("@")) => Err(PromqlError::Unsupported("@".into())),
        Some(_) => Err(parser.wrong("this does not belong here")),
    }
}

struct Parser<'a> {
    query: &'a str,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    /// Levels entered and operators read: both nest.
    spent: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(n)) if n.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn want(&mut self, sign: &'static str) -> Result<(), PromqlError> {
        if self.take(sign) { Ok(()) } else { Err(self.wrong(format!("expected {sign}"))) }
    }

    fn wrong(&self, what: impl Into<String>) -> PromqlError {
        let at = self.tokens.get(self.at).map_or(self.query.len(), |(_, place)| place.start);
        syntax(self.query, at, what)
    }

    fn deeper(&mut self) -> Result<(), PromqlError> {
        self.spent += 1;
        if self.spent > DEPTH_MAX { Err(self.wrong("the query is nested too deeply")) } else { Ok(()) }
    }

    fn expression(&mut self, min: u8) -> Result<Expr, PromqlError> {
        self.deeper()?;
        let mut left = self.unary()?;
        while let Some(op) = self.operator().filter(|op| op.binds() > min) {
            self.at += 1;
            self.deeper()?;
            let bool_result = self.take_word("bool");
            if bool_result && !op.compares() {
                return Err(self.wrong("bool belongs to a comparison"));
            }
            let matching = self.matching()?;
            // `^` binds to the right, the others to the left.
            let right = self.expression(if op == Op::Pow { op.binds() - 1 } else { op.binds() })?;
            left = Expr::Binary(Box::new(Binary { op, left, right, matching, bool_result }));
        }
        Ok(left)
    }

    fn operator(&self) -> Option<Op> {
        Some(match self.peek()? {
            Token::Sign(sign) => match *sign {
                "+" => Op::Add,
                "-" => Op::Sub,
                "*" => Op::Mul,
                "/" => Op::Div,
                "%" => Op::Mod,
                "^" => Op::Pow,
                "==" => Op::Eq,
                "!=" => Op::Ne,
                "<" => Op::Lt,
                "<=" => Op::Le,
                ">" => Op::Gt,
                ">=" => Op::Ge,
                _ => return None,
            },
            Token::Name(word) => match word.to_ascii_lowercase().as_str() {
                "and" => Op::And,
                "or" => Op::Or,
                "unless" => Op::Unless,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn matching(&mut self) -> Result<Grouping, PromqlError> {
        let grouping = if self.take_word("on") {
            Grouping::By(self.label_list()?)
        } else if self.take_word("ignoring") {
            Grouping::Without(self.label_list()?)
        } else {
            return Ok(Grouping::Without(Vec::new()));
        };
        match self.peek() {
            Some(Token::Name(word)) if word.starts_with("group_") => {
                Err(PromqlError::Unsupported(word.clone()))
            }
            _ => Ok(grouping),
        }
    }

    fn unary(&mut self) -> Result<Expr, PromqlError> {
        if self.take("-") {
            // -2^2 is -(2^2), as in Prometheus.
            let of = self.expression(Op::Mul.binds())?;
            return Ok(Expr::Negative(Box::new(of)));
        }
        if self.take("+") {
            self.deeper()?;
            return self.unary();
        }
        let expr = self.primary()?;
        if !self.take("[") {
            return Ok(expr);
        }
        let Some(Token::Time(range)) = self.next() else {
            self.at -= 1;
            return Err(self.wrong("expected a range like [5m]"));
        };
        if self.peek() == Some(&Token::Sign(":")) {
            return Err(PromqlError::Unsupported("a subquery [5m:]".into()));
        }
        self.want("]")?;
        match expr {
            Expr::Instant(selector) if range > 0 => Ok(Expr::Range(selector, range)),
            _ => Err(self.wrong("a range belongs to a metric: rate(x[5m])")),
        }
    }

    fn primary(&mut self) -> Result<Expr, PromqlError> {
        match self.peek().cloned() {
            Some(Token::Number(v)) => {
                self.at += 1;
                Ok(Expr::Number(v))
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let expr = self.expression(0)?;
                self.want(")")?;
                Ok(expr)
            }
            Some(Token::Sign("{")) => self.selector(None),
            Some(Token::Name(name)) => {
                self.at += 1;
                let follows = self.peek();
                let called = matches!(follows, Some(Token::Sign("(")));
                let grouped = matches!(follows, Some(Token::Name(w)) if ["by", "without"].contains(&w.to_ascii_lowercase().as_str()));
                if called || grouped { self.call(&name) } else { self.selector(Some(name)) }
            }
            Some(Token::Text(_)) => Err(self.wrong("a text is no number")),
            Some(Token::Time(_)) => Err(self.wrong("a length of time stands in [ ]")),
            Some(_) => Err(self.wrong("expected a metric, a number or a function")),
            None => Err(self.wrong("the query ends here, and something is missing")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, PromqlError> {
        let lower = name.to_ascii_lowercase();
        let aggregation = match lower.as_str() {
            "sum" => Aggregation::Sum,
            "avg" => Aggregation::Avg,
            "min" => Aggregation::Min,
            "max" => Aggregation::Max,
            "count" => Aggregation::Count,
            "group" => Aggregation::Group,
            "topk" | "bottomk" | "quantile" | "count_values" | "stddev" | "stdvar" | "limitk"
            | "limit_ratio" => {
                return Err(PromqlError::Unsupported(lower));
            }
            _ => {
                self.want("(")?;
                let args = self.arguments()?;
                return Ok(Expr::Call(name.to_owned(), args));
            }
        };
        let before = self.grouping()?;
        self.want("(")?;
        let of = self.expression(0)?;
        self.want(")")?;
        let grouping = match before {
            Some(grouping) => grouping,
            None => self.grouping()?.unwrap_or(Grouping::By(Vec::new())),
        };
        Ok(Expr::Aggregate(aggregation, grouping, Box::new(of)))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, PromqlError> {
        let mut args = Vec::new();
        while !self.take(")") {
            if !args.is_empty() {
                self.want(",")?;
            }
            args.push(self.expression(0)?);
        }
        Ok(args)
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, PromqlError> {
        if self.take_word("by") {
            return Ok(Some(Grouping::By(self.label_list()?)));
        }
        if self.take_word("without") {
            return Ok(Some(Grouping::Without(self.label_list()?)));
        }
        Ok(None)
    }

    fn label_list(&mut self) -> Result<Vec<String>, PromqlError> {
        self.want("(")?;
        let mut names = Vec::new();
        while !self.take(")") {
            let Some(Token::Name(name)) = self.next() else {
                self.at -= 1;
                return Err(self.wrong("expected a label's name"));
            };
            names.push(name);
            if !self.take(",") && self.peek() != Some(&Token::Sign(")")) {
                return Err(self.wrong("expected , or )"));
            }
        }
        Ok(names)
    }

    fn selector(&mut self, mut name: Option<String>) -> Result<Expr, PromqlError> {
        let mut matchers = Vec::new();
        if self.take("{") {
            while !self.take("}") {
                match self.next() {
                    Some(Token::Name(label)) => matchers.push(self.matcher(label)?),
                    Some(Token::Text(quoted)) if name.is_none() => name = Some(quoted),
                    _ => {
                        self.at -= 1;
                        return Err(self.wrong("expected a label's name"));
                    }
                }
                if !self.take(",") && self.peek() != Some(&Token::Sign("}")) {
                    return Err(self.wrong("expected , or }"));
                }
            }
        }
        if name.is_none() && matchers.is_empty() {
            return Err(self.wrong("a selector names a metric or a label"));
        }
        Ok(Expr::Instant(Selector { name, matchers }))
    }

    fn matcher(&mut self, label: String) -> Result<Matcher, PromqlError> {
        let (regex, not) = match self.next() {
            Some(Token::Sign("=")) => (false, false),
            Some(Token::Sign("!=")) => (false, true),
            Some(Token::Sign("=~")) => (true, false),
            Some(Token::Sign("!~")) => (true, true),
            _ => {
                self.at -= 1;
                return Err(self.wrong("expected = != =~ or !~"));
            }
        };
        let Some(Token::Text(text)) = self.next() else {
            self.at -= 1;
            return Err(self.wrong("expected a quoted text"));
        };
        let test = if regex {
            let whole = format!("^(?s:{text})$");
            let compiled = regex::RegexBuilder::new(&whole).size_limit(REGEX_MAX).build();
            Test::Regex(compiled.map_err(|_| {
                self.at -= 1;
                self.wrong("this regular expression cannot be read")
            })?)
        } else {
            Test::Equal(text)
        };
        Ok(Matcher { label, test, not })
    }
}
