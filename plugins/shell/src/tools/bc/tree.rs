//! What a `bc` program is made of.

/// What can be assigned to.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Name(String),
    Element(String, Box<Expression>),
    Scale,
    InBase,
    OutBase,
    Last,
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// As it was written: what it is depends on the base in that moment.
    Number(String),
    Of(Place),
    Assign(Place, String, Box<Expression>),
    /// By one: up or down, before or after.
    Step {
        place: Place,
        up: bool,
        is_before: bool,
    },
    Minus(Box<Expression>),
    Not(Box<Expression>),
    Two(String, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
    Group(Box<Expression>),
}

#[derive(Clone, Debug)]
pub(super) enum Statement {
    Expression(Expression),
    Text(String),
    Print(Vec<Statement>),
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    While(Expression, Box<Statement>),
    For([Option<Expression>; 3], Box<Statement>),
    Block(Vec<Statement>),
    Define {
        name: String,
        parameters: Vec<String>,
        own: Vec<String>,
        body: Vec<Statement>,
    },
    Break,
    Continue,
    Return(Option<Expression>),
    Halt,
    Nothing,
}
