//! What does the statements of `bc`.

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use super::{
    function::Function,
    number::Number,
    output::Output,
    tree::{Expression, Place, Statement},
};

/// Most digits behind the point.
const MAX_SCALE: usize = 100_000;

/// Where a statement leads.
pub(super) enum Flow {
    On,
    Break,
    Continue,
    Return(Number),
}

/// The state of one run.
pub(super) struct Machine {
    pub(super) output: Output,
    pub(super) has_quit: bool,
    pub(super) names: HashMap<String, Number>,
    pub(super) arrays: HashMap<String, HashMap<i64, Number>>,
    pub(super) functions: HashMap<String, Function>,
    pub(super) scale: usize,
    in_base: u32,
    out_base: u32,
    last: Number,
    pub(super) has_mathematics: bool,
    pub(super) deep: usize,
}

pub(super) type Done<T> = Result<T, String>;

fn truth(is_true: bool) -> Number {
    Number::from(i64::from(is_true))
}

/// An error while it runs, as the usual one tells it.
fn failed(why: String) -> String {
    format!("Runtime error (func=(main), adr=0): {why}")
}

impl Machine {
    pub(super) fn new(has_mathematics: bool) -> Self {
        Self {
            output: Output::default(),
            has_quit: false,
            names: HashMap::new(),
            arrays: HashMap::new(),
            functions: HashMap::new(),
            scale: if has_mathematics { 20 } else { 0 },
            in_base: 10,
            out_base: 10,
            last: Number::from(0),
            has_mathematics,
            deep: 0,
        }
    }

    /// Does the statements of a line.
    pub(super) fn run(&mut self, statements: &[Statement]) -> Done<()> {
        for statement in statements {
            self.deep = 0;
            self.statement(statement).map_err(failed)?;
            if self.has_quit {
                break;
            }
        }
        Ok(())
    }

    fn print(&mut self, number: Number) {
        self.output.number(&number, self.out_base);
        self.last = number;
    }

    fn statement(&mut self, statement: &Statement) -> Done<Flow> {
        match statement {
            Statement::Expression(expression) => {
                let number = self.value(expression)?;
                if !matches!(expression, Expression::Assign(..)) {
                    self.print(number);
                    self.output.text("\n");
                }
            }
            Statement::Text(text) => self.output.text(text),
            Statement::Print(parts) => {
                for part in parts {
                    match part {
                        Statement::Text(text) => self.output.text(&unescaped(text)),
                        Statement::Expression(expression) => {
                            let number = self.value(expression)?;
                            self.print(number);
                        }
                        _ => {}
                    }
                }
            }
            Statement::If(test, then, otherwise) => {
                if !self.value(test)?.is_zero() {
                    return self.statement(then);
                } else if let Some(otherwise) = otherwise {
                    return self.statement(otherwise);
                }
            }
            Statement::While(test, body) => {
                while !self.has_quit && !self.value(test)?.is_zero() {
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return(number) => return Ok(Flow::Return(number)),
                        Flow::On | Flow::Continue => {}
                    }
                }
            }
            Statement::For([first, test, step], body) => {
                if let Some(first) = first {
                    self.value(first)?;
                }
                loop {
                    let ends = match test {
                        Some(test) => self.value(test)?.is_zero(),
                        None => false,
                    };
                    if ends || self.has_quit {
                        break;
                    }
                    match self.statement(body)? {
                        Flow::Break => break,
                        Flow::Return(number) => return Ok(Flow::Return(number)),
                        Flow::On | Flow::Continue => {}
                    }
                    if let Some(step) = step {
                        self.value(step)?;
                    }
                }
            }
            Statement::Block(statements) => return self.block(statements),
            Statement::Define {
                name,
                parameters,
                own,
                body,
            } => {
                let function = Function {
                    parameters: parameters.clone(),
                    own: own.clone(),
                    body: Arc::new(body.clone()),
                };
                self.functions.insert(name.clone(), function);
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value)).transpose()?;
                return Ok(Flow::Return(value.unwrap_or_else(|| Number::from(0))));
            }
            Statement::Halt => self.has_quit = true,
            Statement::Nothing => {}
        }
        Ok(Flow::On)
    }

    pub(super) fn block(&mut self, statements: &[Statement]) -> Done<Flow> {
        for statement in statements {
            match self.statement(statement)? {
                Flow::On if !self.has_quit => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    pub(super) fn value(&mut self, expression: &Expression) -> Done<Number> {
        Ok(match expression {
            Expression::Number(text) => Number::read(text, self.in_base),
            Expression::Group(inner) => self.value(inner)?,
            Expression::Of(place) => self.get(place)?,
            Expression::Assign(place, sign, value) => {
                let mut value = self.value(value)?;
                if !sign.is_empty() {
                    let before = self.get(place)?;
                    value = self.two(sign, &before, &value)?;
                }
                self.set(place, value.clone())?;
                value
            }
            Expression::Step {
                place,
                up,
                is_before,
            } => {
                let before = self.get(place)?;
                let after = before.plus(&Number::from(if *up { 1 } else { -1 }));
                self.set(place, after.clone())?;
                if *is_before { after } else { before }
            }
            Expression::Minus(inner) => self.value(inner)?.negated(),
            Expression::Not(inner) => truth(self.value(inner)?.is_zero()),
            Expression::Two(sign, left, right) => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                self.two(sign, &left, &right)?
            }
            Expression::Call(name, arguments) => self.call(name, arguments)?,
        })
    }

    fn two(&self, sign: &str, left: &Number, right: &Number) -> Done<Number> {
        let order = || left.compare(right);
        Ok(match sign {
            "+" => left.plus(right),
            "-" => left.minus(right),
            "*" => left.times(right, self.scale),
            "/" => left.divided(right, self.scale)?,
            "%" => left.remainder(right, self.scale)?,
            "^" => left.power(right, self.scale)?,
            "&&" => truth(!left.is_zero() && !right.is_zero()),
            "||" => truth(!left.is_zero() || !right.is_zero()),
            "<" => truth(order() == Ordering::Less),
            "<=" => truth(order() != Ordering::Greater),
            ">" => truth(order() == Ordering::Greater),
            ">=" => truth(order() != Ordering::Less),
            "==" => truth(order() == Ordering::Equal),
            _ => truth(order() != Ordering::Equal),
        })
    }

    fn index(&mut self, index: &Expression) -> Done<i64> {
        let index = self.value(index)?.to_i64();
        index
            .filter(|index| (0..=16_777_215).contains(index))
            .ok_or_else(|| "Array subscript out of bounds.".to_owned())
    }

    fn get(&mut self, place: &Place) -> Done<Number> {
        let zero = || Number::from(0);
        Ok(match place {
            Place::Name(name) => self.names.get(name).cloned().unwrap_or_else(zero),
            Place::Element(name, index) => {
                let index = self.index(index)?;
                let array = self.arrays.get(name);
                array
                    .and_then(|array| array.get(&index))
                    .cloned()
                    .unwrap_or_else(zero)
            }
            Place::Scale => Number::from(i64::try_from(self.scale).unwrap_or(0)),
            Place::InBase => Number::from(i64::from(self.in_base)),
            Place::OutBase => Number::from(i64::from(self.out_base)),
            Place::Last => self.last.clone(),
        })
    }

    fn set(&mut self, place: &Place, value: Number) -> Done<()> {
        let whole = value.to_i64().unwrap_or(i64::MAX);
        match place {
            Place::Name(name) => {
                self.names.insert(name.clone(), value);
            }
            Place::Element(name, index) => {
                let index = self.index(index)?;
                self.arrays
                    .entry(name.clone())
                    .or_default()
                    .insert(index, value);
            }
            Place::Scale => {
                let scale = usize::try_from(whole).map_err(|_| "negative scale, set to 0")?;
                self.scale = scale.min(MAX_SCALE);
            }
            Place::InBase => self.in_base = u32::try_from(whole.clamp(2, 16)).unwrap_or(10),
            Place::OutBase => {
                self.out_base = u32::try_from(whole.clamp(2, 1_000_000)).unwrap_or(10);
            }
            Place::Last => self.last = value,
        }
        Ok(())
    }
}

/// What `print` makes of a backslash and a letter.
fn unescaped(text: &str) -> String {
    let mut made = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            made.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => made.push('\n'),
            Some('t') => made.push('\t'),
            Some('r') => made.push('\r'),
            Some('a') => made.push('\u{7}'),
            Some('b') => made.push('\u{8}'),
            Some('f') => made.push('\u{c}'),
            Some('q') => made.push('"'),
            Some('\\') => made.push('\\'),
            Some(other) => made.extend(['\\', other]),
            None => made.push('\\'),
        }
    }
    made
}
