cd notes && ls | head -1; cd .. ; cd - > /dev/null; basename "$PWD"; cd ..; pushd notes >/dev/null; popd > /dev/null; ls -d notes
