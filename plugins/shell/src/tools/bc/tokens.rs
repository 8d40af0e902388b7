//! The words, numbers and signs of a `bc` program.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(String),
    Name(String),
    Text(String),
    Sign(String),
    Line,
}

const SIGNS: &[&str] = &[
    "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "!=", "<=", ">=", "&&", "||",
];

/// The words, numbers and signs of a program, each with the number of its line.
pub(super) fn tokens(text: &str) -> Vec<(Token, usize)> {
    let (mut made, mut line, mut rest) = (Vec::new(), 1, text);
    let take = |rest: &mut &str, is_in: &dyn Fn(char) -> bool| {
        let end = rest.find(|c| !is_in(c)).unwrap_or(rest.len());
        let (taken, left) = rest.split_at(end);
        *rest = left;
        taken.to_owned()
    };
    while let Some(c) = rest.chars().next() {
        let token = match c {
            '\n' => {
                rest = rest.get(1..).unwrap_or_default();
                made.push((Token::Line, line));
                line += 1;
                continue;
            }
            '\\' if rest.starts_with("\\\n") => {
                rest = rest.get(2..).unwrap_or_default();
                line += 1;
                continue;
            }
            ' ' | '\t' | '\r' => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            '#' => {
                take(&mut rest, &|c| c != '\n');
                continue;
            }
            '/' if rest.starts_with("/*") => {
                let end = rest.find("*/").map_or(rest.len(), |at| at + 2);
                let (remark, left) = rest.split_at(end);
                line += remark.matches('\n').count();
                rest = left;
                continue;
            }
            '"' => {
                let body = rest.get(1..).unwrap_or_default();
                let end = body.find('"').unwrap_or(body.len());
                let (text, left) = body.split_at(end);
                rest = left.get(1..).unwrap_or_default();
                let token = (Token::Text(text.to_owned()), line);
                line += text.matches('\n').count();
                made.push(token);
                continue;
            }
            '0'..='9' | 'A'..='F' | '.' => {
                let mut text = take(&mut rest, &|c| {
                    c.is_ascii_digit() || ('A'..='F').contains(&c)
                });
                if let Some(after) = rest.strip_prefix('.') {
                    rest = after;
                    text.push('.');
                    text += &take(&mut rest, &|c| {
                        c.is_ascii_digit() || ('A'..='F').contains(&c)
                    });
                }
                if text == "." {
                    Token::Name("last".to_owned())
                } else {
                    Token::Number(text)
                }
            }
            'a'..='z' => Token::Name(take(&mut rest, &|c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
            })),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.map_or_else(|| c.to_string(), |sign| (*sign).to_owned());
                rest = rest.get(sign.len()..).unwrap_or_default();
                Token::Sign(sign)
            }
        };
        made.push((token, line));
    }
    made
}
