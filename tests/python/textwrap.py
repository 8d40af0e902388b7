import textwrap
text = "The quick brown fox jumps over the lazy dog and runs away from it as fast as it can."
print(textwrap.fill(text, 30, initial_indent="* ", subsequent_indent="  "))
print(textwrap.dedent("""\
    one
      two
""") + textwrap.shorten(text, 25))
