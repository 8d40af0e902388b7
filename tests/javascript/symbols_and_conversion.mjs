const money = { [Symbol.toPrimitive]: (hint) => (hint === "number" ? 42 : "forty-two") };
console.log(+money, `${money}`, money + "", Symbol("x").description, Symbol.for("a") === Symbol.for("a"));
console.log([] + [], [] + {}, 1 + "2", "3" * "4", null + 1, undefined + 1, true + true, [1, 2] == "1,2", null == undefined, NaN === NaN);
