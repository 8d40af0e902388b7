from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable
class Base(ABC):
    @abstractmethod
    def run(self): ...
try:
    Base()
except TypeError as error:
    print("abstract" in str(error))
@runtime_checkable
class Runs(Protocol):
    def run(self): ...
class Dog:
    def run(self): return "runs"
print(isinstance(Dog(), Runs))
