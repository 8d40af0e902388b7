//! The language of `bc`: from text to statements, a line at a time.

use super::tokens::{Token, tokens};
use super::tree::Statement;

/// Deepest nesting that is read.
const DEEPEST: usize = 100;

/// Reads a program.
pub(super) struct Reader {
    tokens: Vec<(Token, usize)>,
    pub(super) at: usize,
    deep: usize,
}

/// A line that cannot be read; which one, its caller says.
pub(super) struct Wrong;

pub(super) type Read<T> = Result<T, Wrong>;

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        Self {
            tokens: tokens(text),
            at: 0,
            deep: 0,
        }
    }

    /// The statements of the next line; of one that is wrong, its number. `None` at the end.
    pub(super) fn line(&mut self) -> Option<Result<Vec<Statement>, usize>> {
        self.tokens.get(self.at)?;
        let mut statements = Vec::new();
        self.deep = 0;
        loop {
            while self.is(";") {}
            match self.tokens.get(self.at) {
                None => return Some(Ok(statements)),
                Some((Token::Line, _)) => {
                    self.at += 1;
                    return Some(Ok(statements));
                }
                Some(_) => {}
            }
            let read = self.statement().and_then(|statement| {
                let is_definition = matches!(statement, Statement::Define { .. });
                statements.push(statement);
                let is_end = matches!(self.peek(), None | Some(Token::Line)) || self.peek_is(";");
                if is_end || is_definition {
                    Ok(())
                } else {
                    Err(Wrong)
                }
            });
            if read.is_err() {
                let line = self
                    .tokens
                    .get(self.at)
                    .or(self.tokens.last())
                    .map_or(1, |(_, line)| *line);
                while !matches!(self.peek(), None | Some(Token::Line)) {
                    self.at += 1;
                }
                self.at += 1;
                return Some(Err(line));
            }
        }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    pub(super) fn peek_is(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if found == sign)
    }

    /// Whether this sign comes next; it is taken.
    pub(super) fn is(&mut self, sign: &str) -> bool {
        let is = self.peek_is(sign);
        self.at += usize::from(is);
        is
    }

    pub(super) fn want(&mut self, sign: &str) -> Read<()> {
        if self.is(sign) { Ok(()) } else { Err(Wrong) }
    }

    pub(super) fn name(&mut self) -> Read<String> {
        let Some(Token::Name(name)) = self.peek() else {
            return Err(Wrong);
        };
        let name = name.clone();
        self.at += 1;
        Ok(name)
    }

    /// Past ends of lines, where a statement goes on behind them.
    fn skip_lines(&mut self) {
        while self.peek() == Some(&Token::Line) {
            self.at += 1;
        }
    }

    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.deep >= DEEPEST {
            return Err(Wrong);
        }
        self.deep += 1;
        let read = read(self);
        self.deep -= 1;
        read
    }

    fn statement(&mut self) -> Read<Statement> {
        self.deeper(Self::statement_here)
    }

    fn statement_here(&mut self) -> Read<Statement> {
        if self.is("{") {
            return Ok(Statement::Block(self.block()?));
        }
        if self.peek_is(";") || self.peek() == Some(&Token::Line) {
            return Ok(Statement::Nothing);
        }
        if let Some(Token::Text(text)) = self.peek() {
            let text = text.clone();
            self.at += 1;
            return Ok(Statement::Text(text));
        }
        let word = match self.peek() {
            Some(Token::Name(name)) => name.clone(),
            _ => return Ok(Statement::Expression(self.expression()?)),
        };
        let start = self.at;
        self.at += 1;
        Ok(match word.as_str() {
            "if" => {
                self.want("(")?;
                let test = self.expression()?;
                self.want(")")?;
                self.skip_lines();
                let then = Box::new(self.statement()?);
                let before = self.at;
                // `else` may stand behind a `;` or on the next line of a block.
                while self.is(";") {}
                if self.deep > 1 {
                    self.skip_lines();
                }
                let otherwise = if self.peek() == Some(&Token::Name("else".to_owned())) {
                    self.at += 1;
                    self.skip_lines();
                    Some(Box::new(self.statement()?))
                } else {
                    self.at = before;
                    None
                };
                Statement::If(test, then, otherwise)
            }
            "while" => {
                self.want("(")?;
                let test = self.expression()?;
                self.want(")")?;
                self.skip_lines();
                Statement::While(test, Box::new(self.statement()?))
            }
            "for" => {
                self.want("(")?;
                let mut parts = [None, None, None];
                for (part, end) in parts.iter_mut().zip([";", ";", ")"]) {
                    if !self.peek_is(end) {
                        *part = Some(self.expression()?);
                    }
                    self.want(end)?;
                }
                self.skip_lines();
                Statement::For(parts, Box::new(self.statement()?))
            }
            "print" => {
                let mut parts = Vec::new();
                loop {
                    parts.push(match self.peek() {
                        Some(Token::Text(text)) => Statement::Text(text.clone()),
                        _ => {
                            parts.push(Statement::Expression(self.expression()?));
                            if self.is(",") {
                                continue;
                            }
                            break;
                        }
                    });
                    self.at += 1;
                    if !self.is(",") {
                        break;
                    }
                }
                Statement::Print(parts)
            }
            "define" => self.definition()?,
            "return" => {
                let is_end = matches!(self.peek(), None | Some(Token::Line));
                let is_end = is_end || self.peek_is(";") || self.peek_is("}");
                Statement::Return(if is_end {
                    None
                } else {
                    Some(self.expression()?)
                })
            }
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "halt" | "quit" => Statement::Halt,
            _ => {
                self.at = start;
                Statement::Expression(self.expression()?)
            }
        })
    }

    /// Statements up to the brace that closes them.
    fn block(&mut self) -> Read<Vec<Statement>> {
        let mut statements = Vec::new();
        loop {
            while self.is(";") || self.peek() == Some(&Token::Line) {
                self.skip_lines();
            }
            if self.is("}") {
                return Ok(statements);
            }
            statements.push(self.statement()?);
            let is_end =
                self.peek_is(";") || self.peek_is("}") || self.peek() == Some(&Token::Line);
            if !is_end {
                return Err(Wrong);
            }
        }
    }

    fn definition(&mut self) -> Read<Statement> {
        let mut name = self.name()?;
        if name == "void" {
            name = self.name()?;
        }
        self.want("(")?;
        let mut parameters = Vec::new();
        while !self.is(")") {
            parameters.push(self.name()?);
            if !self.is(",") {
                self.want(")")?;
                break;
            }
        }
        self.skip_lines();
        self.want("{")?;
        self.skip_lines();
        let mut own = Vec::new();
        if self.peek() == Some(&Token::Name("auto".to_owned())) {
            self.at += 1;
            loop {
                own.push(self.name()?);
                if self.is("[") {
                    self.want("]")?;
                }
                if !self.is(",") {
                    break;
                }
            }
        }
        let body = self.block()?;
        Ok(Statement::Define {
            name,
            parameters,
            own,
            body,
        })
    }
}
