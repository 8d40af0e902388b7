name=Ada
cat <<END
hello $name
$(echo run) \$name
END
cat <<'END'
hello $name
END
cat <<-END
	tabbed
	END
cat <<<"here $name"
