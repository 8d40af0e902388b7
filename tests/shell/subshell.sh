x=1; (x=2; cd notes; echo $x); echo $x; ls | head -1; y=$( (echo inner) ); echo $y
