package cmdline

import (
	"path"
	"slices"
	"strings"
)

// masked stands in place of what may be a secret.
const masked = "***"

// withoutSecrets returns the arguments with a mask in place of all that may be a secret: the
// values of options and variables whose names say so, passwords in URLs, the short options of
// programs that are known to take one, and long strings that no person would type. It rather
// masks too much: a recording is given to others.
func withoutSecrets(args []string) []string {
	var m masker
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = m.mask(arg)
	}
	return out
}

// masker goes through the words of a command line: those of all arguments, since sh -c has a
// whole command line in one.
type masker struct {
	next    bool         // the next word is a secret
	program secretOption // of the latest word that names a program with one
}

// mask returns the argument, masked from its first secret to its end: the quotes of a shell
// decide where a secret within an argument ends, which is not worth a guess.
func (m *masker) mask(arg string) string {
	for begin := 0; begin < len(arg); {
		if arg[begin] == ' ' || arg[begin] == '\n' || arg[begin] == '\t' {
			begin++
			continue
		}
		end := len(arg)
		if n := strings.IndexAny(arg[begin:], " \n\t"); n >= 0 {
			end = begin + n
		}
		if at, found := m.word(arg[begin:end]); found {
			return withoutTokens(withoutPasswords(arg[:begin+at])) + masked
		}
		begin = end
	}
	if strings.Trim(arg, " \n\t") == "" { // as curl does to its password
		m.next = false
	}
	return withoutTokens(withoutPasswords(arg))
}

// word returns where in a word a secret begins.
func (m *masker) word(word string) (at int, found bool) {
	if m.next {
		m.next = false
		return 0, true
	}
	if at := assigned(word); at >= 0 {
		if at == len(word) { // Authorization: and a blank
			m.next = true
			return 0, false
		}
		return at, true
	}
	bare := strings.Trim(word, `"'`)
	if option, known := secretOptionOf(bare); known {
		m.program = option
	}
	if at, next, is := m.program.match(bare); is {
		m.next = next
		return strings.Index(word, bare) + at, !next
	}
	m.next = isSecretOption(bare)
	return 0, false
}

// assigned returns where the value begins that a word gives to a secret: --password=x, TOKEN=x,
// "password":"x", pass:x, ?token=x; -1 if it does not.
func assigned(word string) int {
	for i := 1; i < len(word); i++ {
		if word[i] != '=' && word[i] != ':' {
			continue
		}
		before := strings.TrimRight(word[:i], `"'\`)
		name := before[strings.LastIndexFunc(before, func(r rune) bool { return !nameRune(r) })+1:]
		plain := normalized(name)
		if isSecretName(plain) || word[i] == '=' && strings.HasSuffix(plain, "key") {
			return i + 1
		}
	}
	return -1
}

func nameRune(r rune) bool {
	return r == '_' || r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// normalized returns a name as it is compared: apikey for Api-Key.
func normalized(name string) string {
	plain := make([]byte, 0, 64)
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-' || c == '_' || c == '.':
		case c >= 'A' && c <= 'Z':
			plain = append(plain, c-'A'+'a')
		default:
			plain = append(plain, c)
		}
	}
	return string(plain)
}

// isSecretOption reports whether an option, or a word as of a configuration file, has a secret
// in the next word.
func isSecretOption(word string) bool {
	if strings.HasPrefix(word, "-") {
		return !strings.HasPrefix(word, "--no-") && isSecretName(normalized(word))
	}
	switch strings.ToLower(word) {
	case "password", "passphrase", "requirepass", "masterauth", "secret", "bearer":
		return true
	}
	return false
}

// isSecretName reports whether a normalized name is that of a secret, and not of the file that
// has it.
func isSecretName(name string) bool {
	for _, suffix := range harmlessSuffixes {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	for _, part := range secretParts {
		if strings.Contains(name, part) {
			return true
		}
	}
	switch name {
	case "auth", "pw", "psk":
		return true
	}
	return strings.HasSuffix(name, "pass") && !strings.HasSuffix(name, "bypass")
}

var harmlessSuffixes = []string{"file", "path", "prompt", "stdin"}

var secretParts = []string{
	"passw", "passphrase", "pwd", "secret", "token", "apikey", "accesskey", "privatekey", "accountkey", "credential", "cookie",
	"authorization", "masterauth", "jwt", "bearer", "signature",
}

// secretOption has the short options of a program that take a secret.
type secretOption struct {
	letters  string
	attached bool // only as in -pSECRET: what follows -p is not one
	long     []string
	logins   bool // user/password@service is an argument
}

// match returns whether a word is such an option, with the secret at at or as the next word.
func (o *secretOption) match(word string) (at int, next, is bool) {
	if o.logins {
		slash := strings.IndexByte(word, '/')
		return slash + 1, false, slash > 0 && !strings.HasPrefix(word, "-")
	}
	if slices.Contains(o.long, word) {
		return 0, true, true
	}
	for _, name := range o.long {
		if strings.HasPrefix(word, name+"=") {
			return len(name) + 1, false, true
		}
	}
	if len(word) < 2 || word[0] != '-' || word[1] == '-' || strings.IndexByte(o.letters, word[1]) < 0 {
		return 0, false, false
	}
	if len(word) == 2 {
		return 0, true, !o.attached
	}
	return 2, false, true
}

// secretOptionOf returns the options of a program, by a word that may be its path.
func secretOptionOf(word string) (secretOption, bool) {
	name := path.Base(word)
	if strings.HasPrefix(name, "mysql") || strings.HasPrefix(name, "mariadb") || name == "mycli" {
		return secretOption{letters: "p", attached: true}, true
	}
	option, known := secretOptions[name]
	return option, known
}

var secretOptions = map[string]secretOption{
	"sshpass":       {letters: "p"},
	"redis-cli":     {letters: "a", long: []string{"--pass"}},
	"mongo":         {letters: "p"},
	"mongosh":       {letters: "p"},
	"mongodump":     {letters: "p"},
	"mongorestore":  {letters: "p"},
	"curl":          {letters: "uU", long: []string{"--user", "--proxy-user"}},
	"http":          {letters: "a"},
	"https":         {letters: "a"},
	"ab":            {letters: "AP"},
	"ldapsearch":    {letters: "w"},
	"ldapmodify":    {letters: "w"},
	"ldapadd":       {letters: "w"},
	"smbclient":     {letters: "U", long: []string{"--user"}},
	"mosquitto_pub": {letters: "P"}, //nolint:misspell // its name
	"mosquitto_sub": {letters: "P"}, //nolint:misspell // its name
	"sqlcmd":        {letters: "P"},
	"bcp":           {letters: "P"},
	"rabbitmqadmin": {letters: "p"},
	"ipmitool":      {letters: "P"},
	"snmpget":       {letters: "cAX"},
	"snmpwalk":      {letters: "cAX"},
	"7z":            {letters: "p", attached: true},
	"zip":           {letters: "P"},
	"unzip":         {letters: "P"},
	"sqlplus":       {logins: true},
	"expdp":         {logins: true},
	"impdp":         {logins: true},
}

// withoutPasswords masks the passwords of URLs, scheme://user:password@host, and of
// user:password@host.
func withoutPasswords(arg string) string {
	if !strings.Contains(arg, "@") {
		return arg
	}
	var out strings.Builder
	for begin := 0; begin < len(arg); {
		end := len(arg)
		if n := strings.IndexAny(arg[begin:], " \t\n\"'"); n >= 0 {
			end = begin + n + 1
		}
		out.WriteString(withoutPassword(arg[begin:end]))
		begin = end
	}
	return out.String()
}

// withoutPassword masks to the last @: a password can have one.
func withoutPassword(word string) string {
	begin := 0
	if n := strings.Index(word, "://"); n >= 0 {
		begin = n + len("://")
	}
	at, colon := strings.LastIndexByte(word, '@'), strings.IndexByte(word[begin:], ':')
	if colon < 0 || at <= begin+colon || begin == 0 && strings.Contains(word[:colon], "/") {
		return word
	}
	return word[:begin+colon+1] + masked + word[at:]
}
