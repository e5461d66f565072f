module made/up

go 1.26
