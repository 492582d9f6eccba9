# NAME WORD: the installed versions of a package that a word means, each in full.
meant() {
  rpm -q --qf '%{NAME} %|EPOCH?{%{EPOCH}}:{0}| %{VERSION} %{RELEASE} %{ARCH}\n' -- "$1" 2>/dev/null | awk -v name="$1" -v word="$2" '
    NF == 5 && $1 == name {
      rest = word
      # An epoch may stand before the name.
      if (index(word, name) != 1 && (i = index(word, ":"))) rest = name "-" substr(word, 1, i) substr(word, i + length(name) + 2)
      n = split("|." $5 "|-" $3 "|-" $3 "." $5 "|-" $3 "-" $4 "|-" $3 "-" $4 "." $5, form, "|")
      m = n
      for (i = 3; i <= n; i++) form[++m] = "-" $2 ":" substr(form[i], 2)
      for (i = 1; i <= m; i++) if (rest == name form[i]) { print $1 "-" $2 ":" $3 "-" $4 "." $5; next }
    }'
}
