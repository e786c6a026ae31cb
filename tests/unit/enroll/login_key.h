/* A certificate for logins and its key, which is good for tests only, and what openssl made with them. */
#ifndef TESTS_UNIT_ENROLL_LOGIN_KEY_H
#define TESTS_UNIT_ENROLL_LOGIN_KEY_H

static const char login_key[] = "-----BEGIN PRIVATE KEY-----\n"
				"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC80Q1Fyj8GTQ96\n"
				"CSvJT3kUTUNhseXblU28NG5TasP9N/jHPwmngi++jKfLQfonreC8CdCqBjeRKISg\n"
				"s+Cux3XQuGF0MRwIBUTfvhnyeYlLCQXtRd5twtnmX3luR0g321LjMjCVgmN7C8S0\n"
				"OkNiimI4eK7YnFlhWFJYvM1gHP4gmMhP3YjLQu+wiRQo+nMQo/3yw1Do6HPvtPDy\n"
				"bYcWZuTt9JjynGMksQPS3zpog7uGN9e/alMilVz214YIbtW67lyKaPQyWNWnJqDA\n"
				"xsYhIfn0sef/bFgdXjAbT3Ol9ng7gtI/xq+6E6//i5LIvE/WRXib8yj7BA7FuWEv\n"
				"VwmJrWNlAgMBAAECggEALl2ihf0GUXiKYKQQY8iXebgIYBzkjjGha2Ivpl3NH2kH\n"
				"dvwAlaj3KvJUwOmkcWp2CY7aden9arCZsvHA7oJt6LFiQvtNQB31HgFLU1rrbyjZ\n"
				"0vxphKgIxJS017L65bZ+qepY+lnQrnZDGSPGiNPlDyt5ehkYrLoYzJAeWaf88olN\n"
				"lFjTTz6jXtQJ56nsuhRbZ96Gayl01qolu3iZ4Ux8O2yig+kSPfd8hQLcnAD3lf7Y\n"
				"2IIMXcg2FsWYp1iBELVWwMDlNFsoLApIh8ZREduqfk2PmHtovThayrTBBV30e9h4\n"
				"T9XwkO1OEH8DefafnB9uvBIvxZwKN7s6bitGog73+QKBgQDxLpUTlOm1GnbGqGSs\n"
				"zRQb7OkTqUSTc3fn9yeNja9igcY2nuFtfhAPxY4h2LoDahWp8Ki5IVeGkHCqISGw\n"
				"IQgE226FX60IfI4KDAFR1BZlsnMrzDfqlnVvtnDfENcxj5VttLUZI4fF9S1h5oTb\n"
				"1SdKrx+jxD4BceO03aqvWYNOqQKBgQDIatgFy+jjxdCP6Xj0x96dw9qwItJ1GOTF\n"
				"adbws/+tJqgRX8hd805h/cb5matNkkgxInM+iF1jP1Wi9deS00BFYXWs4JOGxgPU\n"
				"ntBQQZifnPOYPrCVrtGvjyV1rTvpW86X/pZhP8MsHFFtAGxHs98U192csDuW/SQK\n"
				"stj8wV1QXQKBgHLM5ILkn/XneeAHqZwjJc5BD5SfPpgdH1cX6wjTB0eRVCMNr2np\n"
				"1oVbWNM9kRUs+tDgT7+HYl0YBbjFen6WynVdaZcsunVOrGGV407q8BpKPc38MCWG\n"
				"prGdGs7i+juKB+unV4h2xBrzID34dwcYx9Ih16KhN46CgovF84fxyLG5AoGBAJPg\n"
				"YexE/F2zw6Or/Rd/sf5uWJnF18uWxpXy9ik8ZtZ3w2KubcUElT0wZvQcMo1V9fZr\n"
				"GOV28JEeVi2bf6hSPwXyV0Vrnu6+hG0JkWLmQ5rhz8rx1pFbIFSNJnKhk6cnmlQE\n"
				"ASlYRsXxTxNCUKLHUT6r2FSYpB9QQJu0Qu6cLiHxAoGAZAnVA63ixLuRj83WfM03\n"
				"LXK6AjwELTrrgSPRgtFnoKvZZ7UKSHxf7rbbmMNkLShbso9GLOIR+Mw/WxjNHMdm\n"
				"uCNhji8/ugBV6rg37vAu3/8dcy4yA0UWZ+uLbx5Y1CokfzSLTH02z5U5SfQ8jiiL\n"
				"2PO/6Wg8zTEfWIrXNl4GvG0=\n"
				"-----END PRIVATE KEY-----\n";

static const char login_certificate[] = "-----BEGIN CERTIFICATE-----\n"
					"MIIDETCCAfmgAwIBAgIUYFvozABA/d1b/Ck6Fv5tjJRLXGwwDQYJKoZIhvcNAQEL\n"
					"BQAwGDEWMBQGA1UEAwwNc3RhdGlvbiBsb2dpbjAeFw0yNjExMjIxMDMwNDBaFw00\n"
					"NjExMTcxMDMwNDBaMBgxFjAUBgNVBAMMDXN0YXRpb24gbG9naW4wggEiMA0GCSqG\n"
					"SIb3DQEBAQUAA4IBDwAwggEKAoIBAQC80Q1Fyj8GTQ96CSvJT3kUTUNhseXblU28\n"
					"NG5TasP9N/jHPwmngi++jKfLQfonreC8CdCqBjeRKISgs+Cux3XQuGF0MRwIBUTf\n"
					"vhnyeYlLCQXtRd5twtnmX3luR0g321LjMjCVgmN7C8S0OkNiimI4eK7YnFlhWFJY\n"
					"vM1gHP4gmMhP3YjLQu+wiRQo+nMQo/3yw1Do6HPvtPDybYcWZuTt9JjynGMksQPS\n"
					"3zpog7uGN9e/alMilVz214YIbtW67lyKaPQyWNWnJqDAxsYhIfn0sef/bFgdXjAb\n"
					"T3Ol9ng7gtI/xq+6E6//i5LIvE/WRXib8yj7BA7FuWEvVwmJrWNlAgMBAAGjUzBR\n"
					"MB0GA1UdDgQWBBS8qenpymTl5p+y7Inzl9XIkFQT9jAfBgNVHSMEGDAWgBS8qenp\n"
					"ymTl5p+y7Inzl9XIkFQT9jAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUA\n"
					"A4IBAQBag4tXACVGtmkhETuaeCLYeqADpjc3s2U5h51082otfCrFm6eXNaHeKi2C\n"
					"G65EesKVozdG8cyrbCIVlzslTBgthOYxBN/XiqfcuBdJlMEy0PPtEGVVe4mKWcGh\n"
					"cFeuC3lRr210IMdNCWGYIT6bJmIM8i2LVUyH443fZV9aCKN095DvlFR0nPawicfk\n"
					"gmv1CrwkOQx0K5MLnbg4npr1EdoqSJTh51hbGqeNFJZBmScyi9qULL965j0KXzDf\n"
					"IcBZ6Lx4kbw4bOND/Ux4tPruwhU1I/RekjRplfBSuqad/wtc5NtuxjJjl6JPBk/r\n"
					"tvorgbUS7WFyTuN7P+G02v22OO3B\n"
					"-----END CERTIFICATE-----\n";

/* RS256 with x5t; client station, tenant contoso, at 1800000000 */
static const char golden_rs256[] =
	"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsIng1dCI6InNhelBYYlU4SUl3RXJvMlVCYi1EX0dmRWlrVSJ9.eyJhdWQiOiJodHR"
	"wczovL2xvZ2luLm1pY3Jvc29mdG9ubGluZS5jb20vY29udG9zby9vYXV0aDIvdjIuMC90b2tlbiIsImlzcyI6InN0YXRpb24iLCJ"
	"zdWIiOiJzdGF0aW9uIiwianRpIjoiNmYxZWQwMDItYWI1Yy00YjJhLTljM2QtMDEyMzQ1Njc4OWFiIiwibmJmIjoxODAwMDAwMDA"
	"wLCJpYXQiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDAwMDYwMH0.N5XyrEPDtTcNSeShej-pkG7kGb8e_VIiaDrSSFNGbaAtkRRX2J_"
	"1jivGLwBE3xLUH3_XfxYfLPC45FMGRtl-iEmlL-nw_lML2Lq2lhmyNtXtWJenIf1RXmqPZrSQ6Yt2QNGc-aQlPI2F9a1rB-NxKH-"
	"-0qsnt9PUtSJ6s2hVCJIUavlLaIYnoKcSPOMDeK814Qd0unHZGxgBIQHwY1eU7fec9QX9TOomRj4Z8ScuvaSux7WMKvAzGRziX0l"
	"7kxsFVxBSla7OiJYW3fb4ftPxViWj9QBWxw69nWdUwSKvAnGMR5oFjB4MFWEpkOruM0qM3jgGnh4-BYik32m-_ts5Ew";

/* what PS256 signs for the same; its signature is another one each time */
static const char golden_ps256_signed[] =
	"eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCIsIng1dCNTMjU2IjoidW9rNkgxZ1lDUGR5RlFsemdVcEhtMHc3Z196dzdnOVE2U3FY"
	"akNCbWxFcyJ9.eyJhdWQiOiJodHRwczovL2xvZ2luLm1pY3Jvc29mdG9ubGluZS5jb20vY29udG9zby9vYXV0aDIvdjIuMC90b2t"
	"lbiIsImlzcyI6InN0YXRpb24iLCJzdWIiOiJzdGF0aW9uIiwianRpIjoiNmYxZWQwMDItYWI1Yy00YjJhLTljM2QtMDEyMzQ1Njc"
	"4OWFiIiwibmJmIjoxODAwMDAwMDAwLCJpYXQiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDAwMDYwMH0";

#endif
