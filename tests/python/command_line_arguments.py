import argparse, shlex
parser = argparse.ArgumentParser(prog="tool")
parser.add_argument("name")
parser.add_argument("-n", "--number", type=int, default=1)
parser.add_argument("--loud", action="store_true")
print(vars(parser.parse_args(shlex.split("'Ada Lovelace' -n 3 --loud"))), shlex.quote("it's"))
