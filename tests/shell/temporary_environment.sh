A=1; A=2 eval 'echo $A'; echo $A; f() { echo $A; }; A=3 f; echo $A
