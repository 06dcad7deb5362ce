package cmdline

import (
	"strings"
	"testing"
)

// What is masked, and what stays: the arguments are separated by |.
func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		// by the name of an option or a variable
		"app|--password=x":                               "app|--password=***",
		"app|--password|x|--port|80":                     "app|--password|***|--port|80",
		"app|--db-passwd|x":                              "app|--db-passwd|***",
		"app|--token|":                                   "app|--token|",
		"app|--no-password|db":                           "app|--no-password|db",
		"app|--notification-token|x":                     "app|--notification-token|***",
		"app|--password-file=/run/pw":                    "app|--password-file=/run/pw",
		"app|--api-key|x":                                "app|--api-key|***",
		"app|--ApiKey=x":                                 "app|--ApiKey=***",
		"app|--key=AIza":                                 "app|--key=***",
		"java|-Djavax.net.ssl.keyStorePassword=changeit": "java|-Djavax.net.ssl.keyStorePassword=***",
		"env|AWS_SECRET_ACCESS_KEY=a|PGPASSWORD=b|psql":  "env|AWS_SECRET_ACCESS_KEY=***|PGPASSWORD=***|psql",
		"redis-server|--requirepass|x":                   "redis-server|--requirepass|***",
		"redis-cli|config|set|requirepass|x":             "redis-cli|config|set|requirepass|***",
		"openssl|rsa|-passin|pass:x":                     "openssl|rsa|-passin|pass:***",
		`app|{"user":"a","password":"x","b":1}`:          `app|{"user":"a","password":***`,
		"curl|-H|Authorization: Bearer x":                "curl|-H|Authorization: ***",
		"curl|-H|X-Api-Key:x":                            "curl|-H|X-Api-Key:***",
		"curl|-b|session_cookie=x":                       "curl|-b|session_cookie=***",
		"app|http://h/?token=x&y=1":                      "app|http://h/?token=***",
		"app|jdbc:mysql://h/db?user=a&password=x":        "app|jdbc:mysql://h/db?user=a&password=***",
		// passwords in addresses
		"app|postgres://bob:x@db:5432/a":        "app|postgres://bob:***@db:5432/a",
		"app|--url=amqp://u:p@ss/w@mq/":         "app|--url=amqp://u:***@mq/",
		"app|mongodb://u:p@h1,h2:27017/":        "app|mongodb://u:***@h1,h2:27017/",
		"curl|-x|u:p@proxy:3128":                "curl|-x|u:***@proxy:3128",
		"curl|-x|u:p@proxy:3128/":               "curl|-x|u:***@proxy:3128/",
		"sh|-c|get http://u:p@h/ http://v:q@h/": "sh|-c|get http://u:***@h/ http://v:***@h/",
		// short options
		"mysql|-uroot|-psecret|db":        "mysql|-uroot|-p***|db",
		"/usr/bin/mysqldump|-p|db":        "/usr/bin/mysqldump|-p|db",
		"sudo|mysql|-psecret":             "sudo|mysql|-p***",
		"sh|-c|mysql -psecret db":         "sh|-c|mysql -p***",
		"sh|-c|mysql -p'my secret' db":    "sh|-c|mysql -p***",
		"python3|/usr/bin/mycli|-psecret": "python3|/usr/bin/mycli|-p***",
		"sshpass|-p|x|ssh|-p|22|h":        "sshpass|-p|***|ssh|-p|***|h", // too much, on the safe side
		"sshpass|-px|ssh|h":               "sshpass|-p***|ssh|h",
		"curl|-u|bob:x|http://h/":         "curl|-u|***|http://h/",
		"curl|--user=bob:x":               "curl|--user=***",
		"curl|-u|     |--max-time|1":      "curl|-u|     |--max-time|1", // curl has overwritten it
		"redis-cli|-a|x":                  "redis-cli|-a|***",
		"sqlplus|scott/tiger@db":          "sqlplus|scott/***",
		// by how they look
		"app|eyJhbGciOiJIUzI1NiIsInR5cCI6Ik":           "app|***",
		"app|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "app|***",
		"app|x=0123456789abcdef0123456789ABCDEF":       "app|x=***",
		// what stays
		"python3|billing.py|--workers|1":                                       "python3|billing.py|--workers|1",
		"ssh|-p|22|git@github.com:org/repo":                                    "ssh|-p|22|git@github.com:org/repo",
		"nc|-p|8080|10.0.0.2|443":                                              "nc|-p|8080|10.0.0.2|443",
		"java|-cp|/usr/lib/jvm/java-17-openjdk-amd64/lib/BillingApp2.jar|Main": "java|-cp|/usr/lib/jvm/java-17-openjdk-amd64/lib/BillingApp2.jar|Main",
		"app|http://[fd00::1]:8080/a":                                          "app|http://[fd00::1]:8080/a",
		"app|--listen=0.0.0.0:8080":                                            "app|--listen=0.0.0.0:8080",
		"containerd-shim|-namespace|moby|-id|0123456789ab":                     "containerd-shim|-namespace|moby|-id|0123456789ab",
		"a||b": "a||b",
	} {
		if got := strings.Join(withoutSecrets(strings.Split(args, "|")), "|"); got != want {
			t.Errorf("%s\n got %s\nwant %s", args, got, want)
		}
	}
}
