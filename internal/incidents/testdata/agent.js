// A program that makes HTTP requests: node agent.js HOST RATE none|POOL
// "none" is an agent without keep-alive, else POOL is its number of sockets. A RATE of 0 is four
// requests at a time, each after the other, with a pause after one that failed.
const http = require('http');
const [host, rate, pool] = process.argv.slice(2);
const agent = pool === 'none'
  ? new http.Agent({ keepAlive: false })
  : new http.Agent({ keepAlive: true, maxSockets: Number(pool), maxFreeSockets: Number(pool) });

let done = 0, noPort = 0, other = 0, owed = 0, last = Date.now();

function request(then) {
  const failed = (err) => {
    if (err.code === 'EADDRNOTAVAIL') noPort++; else other++;
    then(50);
  };
  http.get({ host, port: 80, path: '/', agent }, (answer) => {
    answer.resume();
    answer.on('end', () => { done++; then(0); });
    answer.on('error', failed);
  }).on('error', failed);
}

function again(pause) {
  setTimeout(() => request(again), pause);
}

function paced() {
  const now = Date.now();
  owed = Math.min(owed + (now - last) * rate / 1000, 50);
  last = now;
  for (; owed >= 1; owed--) request(() => {});
}

if (rate === '0') for (let i = 0; i < 4; i++) again(0);
else setInterval(paced, 10);
setInterval(() => console.log(`done ${done} noPort ${noPort} other ${other}`), 1000);
