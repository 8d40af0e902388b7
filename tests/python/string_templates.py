from string import Template, ascii_lowercase
print(Template("Dear $name, you owe $$ ${sum}.").substitute(name="Ada", sum=3))
print(Template("$a $b").safe_substitute(a=1), ascii_lowercase[:5])
