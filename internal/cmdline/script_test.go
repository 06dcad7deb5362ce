package cmdline

import (
	"strings"
	"testing"
)

func TestScript(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"python3 /srv/billing.py --workers 1":    "/srv/billing.py",
		"/venv/bin/python3.11 -u billing.py":     "billing.py",
		"python -uB -W ignore -Xdev a.py":        "a.py",
		"python3 -m http.server 80":              "http.server",
		"python3 -Im uvicorn app:app":            "uvicorn",
		"python3 -mhttp.server":                  "http.server",
		"python3 -c pass":                        "",
		"python3 -uc pass":                       "",
		"python3 -":                              "",
		"python3":                                "",
		"pypy3 a.py":                             "a.py",
		"bash loop.sh 1":                         "loop.sh",
		"-bash":                                  "",
		"bash --rcfile /etc/x -x loop.sh":        "loop.sh",
		"bash -euo pipefail loop.sh":             "loop.sh",
		"bash +x -- loop.sh":                     "loop.sh",
		"sh -c true loop.sh":                     "",
		"bash -lc true":                          "",
		"sh -s arg":                              "",
		"bash /dev/fd/63":                        "",
		"node server.js 40740":                   "server.js",
		"node --require ./a.js -r b c.js":        "c.js",
		"node --max-old-space-size=4096 c.js":    "c.js",
		"node -e 1 x":                            "",
		"node --eval=1 x":                        "",
		"nodejs c.js":                            "c.js",
		"ruby -Ilib -r x bin/rails server":       "bin/rails",
		"ruby -ne x":                             "",
		"perl -w -I lib -MPOSIX a.pl":            "a.pl",
		"perl -lane print":                       "",
		"perl5.36.0 -i.bak a.pl":                 "a.pl",
		"php -d a=b -f worker.php":               "worker.php",
		"php8.2 artisan queue:work":              "artisan",
		"php -r phpinfo();":                      "",
		"php -S 0.0.0.0:80":                      "",
		"java -Xmx1g -cp /a.jar com.acme.Main 1": "com.acme.Main",
		"java -Dx=y -jar /srv/app.jar":           "/srv/app.jar",
		"java --module-path m -m acme/acme.Main": "acme/acme.Main",
		"java -version":                          "",
		"dotnet Shop.dll --urls x":               "Shop.dll",
		"dotnet exec --depsfile d Shop.dll":      "Shop.dll",
		"dotnet run":                             "",
		"nginx: worker process":                  "",
		"gunicorn:_master_[app]":                 "",
		"curl http://h/x.py":                     "",
		"php-fpm: pool www":                      "",
	} {
		if got := script("", strings.Fields(args)); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
	for exe, want := range map[string]string{
		"/usr/bin/python3.11": "x.py", "/bin/busybox": "x.py", "/usr/bin/dash": "x.py", "/usr/sbin/nginx": "x.py",
	} {
		if got := script(exe, []string{"sh", "x.py"}); got != want {
			t.Errorf("%s: %q, want %q", exe, got, want)
		}
	}
	if got := script("/usr/bin/ruby3.1", []string{"worker", "x.rb"}); got != "x.rb" {
		t.Errorf("by the executable alone: %q", got)
	}
}
