set -e; echo before; false || echo caught; if false; then :; fi; ! true; echo still; false; echo never
