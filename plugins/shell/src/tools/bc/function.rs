//! Functions of `bc`, and calls of them.

use std::sync::Arc;

use super::{
    machine::{Done, Flow, Machine},
    mathematics,
    number::Number,
    tree::{Expression, Statement},
};

/// How deep functions may call each other.
const DEEPEST: usize = 100;

/// A function.
#[derive(Clone)]
pub(super) struct Function {
    pub(super) parameters: Vec<String>,
    pub(super) own: Vec<String>,
    pub(super) body: Arc<Vec<Statement>>,
}

impl Machine {
    /// A function of the program, or one that is always there.
    pub(super) fn call(&mut self, name: &str, arguments: &[Expression]) -> Done<Number> {
        let values = arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect::<Done<Vec<Number>>>()?;
        if let Some(function) = self.functions.get(name).cloned() {
            return self.call_function(name, &function, values);
        }
        let [number] = values.as_slice() else {
            return Err(format!("Function {name} not defined."));
        };
        let small = |number: usize| Number::from(i64::try_from(number).unwrap_or(0));
        match name {
            "sqrt" => number.root(self.scale),
            "length" => Ok(small(number.length())),
            "scale" => Ok(small(number.scale)),
            "s" | "c" | "a" | "l" | "e" if self.has_mathematics => {
                mathematics::call(name.chars().next().unwrap_or_default(), number, self.scale)
            }
            _ => Err(format!("Function {name} not defined.")),
        }
    }

    fn call_function(
        &mut self,
        name: &str,
        function: &Function,
        values: Vec<Number>,
    ) -> Done<Number> {
        if values.len() != function.parameters.len() {
            return Err("Parameter number mismatch".to_owned());
        }
        if self.deep >= DEEPEST {
            return Err(format!("Function {name}: calls are {DEEPEST} deep"));
        }
        self.deep += 1;
        // What a function calls its own hides what has the same name outside, until it ends.
        let mut hidden = Vec::new();
        let zeros = function.own.iter().map(|name| (name, Number::from(0)));
        for (name, value) in function.parameters.iter().zip(values).chain(zeros) {
            hidden.push((
                name,
                self.names.insert(name.clone(), value),
                self.arrays.remove(name),
            ));
        }
        let flow = self.block(&function.body);
        for (name, value, array) in hidden.into_iter().rev() {
            match value {
                Some(value) => self.names.insert(name.clone(), value),
                None => self.names.remove(name),
            };
            match array {
                Some(array) => self.arrays.insert(name.clone(), array),
                None => self.arrays.remove(name),
            };
        }
        self.deep -= 1;
        Ok(match flow? {
            Flow::Return(number) => number,
            _ => Number::from(0),
        })
    }
}
