//! The expressions of `bc`, from the loosest operator to the tightest.

use super::{
    syntax::{Read, Reader, Wrong},
    tokens::Token,
    tree::{Expression, Place},
};

impl Reader {
    pub(super) fn expression(&mut self) -> Read<Expression> {
        self.deeper(|reader| reader.two(0))
    }

    /// Operators by how loosely they bind; an assignment binds tighter than a comparison.
    fn two(&mut self, level: usize) -> Read<Expression> {
        const LEVELS: &[&[&str]] = &[
            &["||"],
            &["&&"],
            &["!"],
            &["<", "<=", ">", ">=", "==", "!="],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(signs) = LEVELS.get(level) else {
            return self.power();
        };
        if level == 2 {
            return if self.is("!") {
                Ok(Expression::Not(Box::new(
                    self.deeper(|reader| reader.two(2))?,
                )))
            } else {
                self.two(3)
            };
        }
        let mut left = self.two(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.peek_is(sign)) {
            self.at += 1;
            let right = self.two(level + 1)?;
            left = Expression::Two((*sign).to_owned(), Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn power(&mut self) -> Read<Expression> {
        let base = self.unary()?;
        if self.is("^") {
            let exponent = self.deeper(Self::power)?;
            return Ok(Expression::Two(
                "^".to_owned(),
                Box::new(base),
                Box::new(exponent),
            ));
        }
        Ok(base)
    }

    fn unary(&mut self) -> Read<Expression> {
        if self.is("-") {
            return Ok(Expression::Minus(Box::new(self.deeper(Self::unary)?)));
        }
        for (sign, up) in [("++", true), ("--", false)] {
            if self.is(sign) {
                let place = self.name().and_then(|name| self.place(name))?;
                return Ok(Expression::Step {
                    place,
                    up,
                    is_before: true,
                });
            }
        }
        self.primary()
    }

    fn place(&mut self, name: String) -> Read<Place> {
        Ok(match name.as_str() {
            "scale" => Place::Scale,
            "ibase" => Place::InBase,
            "obase" => Place::OutBase,
            "last" => Place::Last,
            _ if self.is("[") => {
                let index = self.expression()?;
                self.want("]")?;
                Place::Element(name, Box::new(index))
            }
            _ => Place::Name(name),
        })
    }

    fn primary(&mut self) -> Read<Expression> {
        match self.peek().cloned() {
            Some(Token::Number(text)) => {
                self.at += 1;
                Ok(Expression::Number(text))
            }
            Some(Token::Sign(sign)) if sign == "(" => {
                self.at += 1;
                let inner = self.expression()?;
                self.want(")")?;
                Ok(Expression::Group(Box::new(inner)))
            }
            Some(Token::Name(name)) => {
                self.at += 1;
                if self.is("(") {
                    let mut arguments = Vec::new();
                    while !self.is(")") {
                        arguments.push(self.expression()?);
                        if !self.is(",") {
                            self.want(")")?;
                            break;
                        }
                    }
                    return Ok(Expression::Call(name, arguments));
                }
                const RESERVED: &[&str] = &[
                    "if", "else", "while", "for", "define", "return", "auto", "print",
                ];
                if RESERVED.contains(&name.as_str()) {
                    return Err(Wrong);
                }
                let place = self.place(name)?;
                for sign in ["=", "+=", "-=", "*=", "/=", "%=", "^="] {
                    if self.is(sign) {
                        let value = self.deeper(|reader| reader.two(4))?;
                        let sign = sign.trim_end_matches('=').to_owned();
                        return Ok(Expression::Assign(place, sign, Box::new(value)));
                    }
                }
                for (sign, up) in [("++", true), ("--", false)] {
                    if self.is(sign) {
                        return Ok(Expression::Step {
                            place,
                            up,
                            is_before: false,
                        });
                    }
                }
                Ok(Expression::Of(place))
            }
            _ => Err(Wrong),
        }
    }
}
