from enum import Enum, Flag, IntEnum, auto
class Colour(Enum):
    RED = auto()
    BLUE = auto()
class Right(Flag):
    READ = 1
    WRITE = 2
print([c.name for c in Colour], Colour["RED"].value, Colour(2), (Right.READ | Right.WRITE).value)
class Level(IntEnum):
    LOW = 1
    HIGH = 5
print(Level.HIGH > Level.LOW, max(Level).name)
