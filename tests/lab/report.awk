# SPDX-License-Identifier: LGPL-2.1-or-later
# What a guest brought out (init says how) as TAP lines without numbers.
# In: scenario; into, the directory of the files that came along.

function line(good, name, what) {
	print (good ? "ok" : "not ok") " - lab " scenario " " name " " what
	if (!good)
		failed = 1
}

function complaints(    i) {
	for (i = 1; i <= complained && i <= 40; i++)
		print "# " complaint[i]
}

# Our suite says "suite test" of each, which the program's name makes long enough.
function test_line(text,    good, words) {
	good = text ~ /^ok/
	sub(/^(not )?ok *[0-9]* *(- *)?/, "", text)
	words = text
	sub(/ *# SKIP.*/, "", words)
	if (split(words, ignored, " ") == 2)
		sub(/^[^ ]* /, "", text)
	line(good, program, text)
	ran++
}

function said(text) {
	if (text ~ /^1\.\.[0-9]+/) {
		planned = substr(text, 4) + 0
		if (text ~ /# SKIP/)
			line(1, program, substr(text, index(text, "# SKIP")))
	} else if (text ~ /^(not )?ok( |$)/) {
		test_line(text)
	} else if (text ~ /^Bail out!/) {
		line(0, program, text)
	} else if (failed && text !~ /^# not here/) {
		sub(/^# */, "", text)
		print "# " text
	}
}

function ended(code, seconds) {
	if (seconds >= 20)
		print "# " program " took " seconds " s"
	if (planned < 0 && !failed)
		line(0, program, "says how many tests it has")
	else if (planned >= 0 && planned != ran)
		line(0, program, "runs all its tests: " planned ", not " ran)
	else if (code != 0 && !failed)
		line(0, program, "ends well, having passed")
	if (failed) {
		print "# " program " ended with " code " after " seconds " s"
		complaints()
	}
	program = ""
}

function cut_short() {
	if (program == "")
		return
	line(0, program, "ends before the machine does")
	complaints()
}

/^begin / {
	cut_short()
	program = $2
	planned = -1
	ran = failed = complained = 0
	file = ""
}
/^\| / || /^\|$/ { file == "" ? said(substr($0, 3)) : keep(substr($0, 3)) }
/^! / { complaint[++complained] = substr($0, 3) }
/^end / { ended($3, $4) }
/^report / {
	line($NF == 0, program, "reports")
	if (failed)
		complaints()
	program = ""
}
/^file / {
	file = into "/" $2
	printf "" > file
}
function keep(text) { print text >> file }
END { cut_short() }
