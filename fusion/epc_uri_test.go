package fusion

import (
	"strconv"
	"strings"
	"testing"
)

// TestRFIDGTIN holds the vectors of the GTIN decoder of Intel's real-time sensor fusion at checkout (rfidgtin): EPC to
// GTIN-14 over all partitions, what is no SGTIN, filters, company prefixes and URNs.
func TestRFIDGTIN(t *testing.T) {
	for hex, want := range map[string]string{
		"300000000000044000000001": "10000000000014",
		"300000662D3D311048C6D8D9": "40004285602049",
		"3000011B896A506B29C18539": "10011892394440",
		"300400000000204000000001": "00000000000116",
		"300800000001004000000001": "00000000001014",
		"300C00000010004000000001": "00000000010016",
		"301000000080004000000001": "00000000100014",
		"301400000400004000000001": "00000001000016",
		"301800004000004000000001": "00000010000014",
		"30143639F84191AD22901607": "00888446671424",
		"301800000000004000000001": "00000000000017", // company prefix 0
		"301800004000000000000001": "00000010000007", // item reference 0
		// SGTIN-198 in 25 bytes, of its successor
		"36143639F8419198B966E1AB366E5B3470DC00000000000000": "00888446671424",
		"36143639F84191A465D9B37A176C5EB1769D72E557D52E5CBC": "00888446671424",
	} {
		if got, _, _, ok := DecodeEPC(hex); !ok || got != want {
			t.Errorf("DecodeEPC(%s) = %q, %v; want %q", hex, got, ok, want)
		}
	}
	for _, hex := range []string{"E2801160600002054CC2096F", "300000181C2CCA93A8B43711", "3018000040000040000000011",
		"30180000400000400000000", "301C00004000004000000001", "30244032EACFFD45202001E8"} {
		if got, _, _, ok := DecodeEPC(hex); ok {
			t.Errorf("DecodeEPC(%s) = %q, want a refusal", hex, got)
		}
		if got := TagURI(hex); got != "urn:epc:raw:"+strconv.Itoa(4*len(hex))+".x"+hex {
			t.Errorf("TagURI(%s) = %q: an unknown tag is raw", hex, got)
		}
	}
	for i, hex := range []string{"3000011B896A506B29C18539", "302000662D3D311048C6D8D9", "304000662D3D311048C6D8D9", "306000662D3D311048C6D8D9",
		"308000662D3D311048C6D8D9"} {
		if got := TagURI(hex); !strings.HasPrefix(got, "urn:epc:tag:sgtin-96:"+strconv.Itoa(i)+".") {
			t.Errorf("TagURI(%s) = %q, want filter %d", hex, got, i)
		}
	}
	for hex, want := range map[string]uint64{"30B100662D3D311048C6D8D9": 5, "30D100662D3D311048C6D8D9": 6, "30F100662D3D311048C6D8D9": 7} {
		if b, ok := unhex(hex); !ok || b.uint(8, 3) != want { // filters of what is no SGTIN by its other digits
			t.Errorf("%s has filter %d, want %d", hex, b.uint(8, 3), want)
		}
	}
	if got := TagURI("30A02AC002E4789"); got != "urn:epc:raw:60.x30A02AC002E4789" {
		t.Errorf("TagURI of 15 digits = %q", got)
	}
	for hex, want := range map[string]uint64{
		"300000000000044000000001": 1, "300000662D3D311048C6D8D9": 428560204, "3000011B896A506B29C18539": 1189239444,
		"300400000000204000000001": 1, "300800000001004000000001": 1, "300C00000010004000000001": 1, "301000000080004000000001": 1,
		"301800000000004000000001": 0, "301800004000004000000001": 1, "30143639F84191AD22901607": 888446,
	} {
		id, ok := parseEPC(hex)
		if n, _ := strconv.ParseUint(id.company, 10, 64); !ok || n != want {
			t.Errorf("company prefix of %s is %q, want %d", hex, id.company, want)
		}
	}
	for hex, want := range map[string]string{
		"300000000000044000000001": "000000000001.1.1",
		"300400000000204000000001": "00000000001.01.1",
		"300800000001004000000001": "0000000001.001.1",
		"300C00000010004000000001": "000000001.0001.1",
		"301000000080004000000001": "00000001.00001.1",
		"3034257BF400B7800004CB2F": "0614141.000734.314159",
		"301800004000004000000001": "000001.0000001.1",
	} {
		uri := "urn:epc:id:sgtin:" + want
		if got := EPCURI(hex); got != uri {
			t.Errorf("EPCURI(%s) = %q, want %q", hex, got, uri)
		}
		back, ok := EPCHex(uri)
		if got := TagURI(back); !ok || got != "urn:epc:tag:sgtin-96:1."+want {
			t.Errorf("EPCHex(%s) = %q, %v, which is %q; want it with filter 1", uri, back, ok, got)
		}
	}
}

func TestEPCHex(t *testing.T) {
	f := func(uri, want string) {
		t.Helper()
		if got, ok := EPCHex(uri); got != want || ok != (want != "") {
			t.Errorf("EPCHex(%q) = %q, %v; want %q", uri, got, ok, want)
		}
	}
	// The encodings of the Tag Data Standard's appendix (E.3), from their tag URIs.
	f("urn:epc:tag:sgtin-96:3.0614141.812345.6789", "3074257BF7194E4000001A85")
	f("urn:epc:tag:sgtin-198:3.0614141.712345.32a%2Fb", "3674257BF6B7A659B2C2BF100000000000000000000000000000")
	f("urn:epc:tag:sscc-96:3.0614141.1234567890", "3174257BF4499602D2000000")
	f("urn:epc:tag:grai-96:3.0614141.12345.5678", "3374257BF40C0E400000162E")
	f("urn:epc:tag:grai-170:3.0614141.12345.32a%2Fb", "3774257BF40C0E59B2C2BF1000000000000000000000")
	f("urn:epc:tag:giai-96:3.0614141.5678", "3474257BF40000000000162E")
	f("urn:epc:tag:giai-202:3.0614141.32a%2Fb", "3874257BF59B2C2BF10000000000000000000000000000000000")
	// Pure identities: filter 1 for items, else 0; the longer encoding for serials that are no number, or too large a one.
	f("urn:epc:id:sgtin:0614141.812345.6789", "3034257BF7194E4000001A85")
	f("urn:epc:id:sgtin:0614141.712345.32a%2Fb", "3634257BF6B7A659B2C2BF100000000000000000000000000000")
	f("urn:epc:id:sgtin:0071142.000858.314159", "303404579800D6800004CB2F")
	f("urn:epc:id:grai:0614141.12345.5678", "3314257BF40C0E400000162E")
	f("urn:epc:id:giai:0614141.32a%2Fb", "3814257BF59B2C2BF10000000000000000000000000000000000")
	f("urn:epc:raw:96.xe28011606000020a6681f23f", "E28011606000020A6681F23F")
	// Digital Links, of any domain, with other qualifiers and a query.
	f("https://id.gs1.org/01/80614141123458/21/6789", "3034257BF7194E4000001A85")
	f("http://example.com/shop/01/80614141123458/10/L7/21/6789?linkType=all#x", "3034257BF7194E4000001A85")
	f("https://id.gs1.org/00/106141412345678908", "3114257BF4499602D2000000")
	f("https://id.gs1.org/8003/006141411234525678", "3314257BF40C0E400000162E")
	f("https://id.gs1.org/8004/06141415678", "3414257BF40000000000162E")
	for _, none := range []string{"", "urn:epc:id:", "urn:epc:id:sgtin:", "urn:epc:id:sgtin:0614141.107346", "urn:epc:id:sgtin:0614141.107346.",
		"urn:epc:id:sgtin:061414.107346.1", "urn:epc:id:sgtin:06141x1.107346.1", "urn:epc:id:gsrn:0614141.0000010253", "urn:epc:idpat:sgtin:0614141.107346.*",
		"urn:epc:tag:sgtin-96:8.0614141.812345.6789", "urn:epc:tag:sgtin-96:3.0614141.812345.a", "urn:epc:tag:sgtin-96:3.0614141.812345.06789",
		"urn:epc:tag:sgtin-96:3.0614141.812345.274877906944", "urn:epc:tag:sgtin:3.0614141.812345.6789", "urn:epc:raw:95.xE28011606000020A6681F23F",
		"urn:epc:id:sgtin:0614141.812345.%2", "urn:epc:id:sgtin:0614141.812345.%zz", "urn:epc:id:sgtin:0614141.812345.123456789012345678901",
		"https://id.gs1.org/01/80614141123458", "https://id.gs1.org/01/80614141123459/21/1", "https://id.gs1.org/00/106141412345678900",
		"https://id.gs1.org/414/0614141073468", "ftp://id.gs1.org/01/80614141123458/21/6789", "E28011606000020A6681F23F"} {
		f(none, "")
	}
}

func TestEPCClass(t *testing.T) {
	for uri, want := range map[string]string{
		"urn:epc:idpat:sgtin:0614141.107346.*":         "10614141073464",
		"urn:epc:class:lgtin:4012345.012345.998877":    "04012345123456",
		"https://id.gs1.org/01/00071142008582":         "00071142008582",
		"https://id.gs1.org/01/071142008582/10/L7":     "00071142008582",
		"https://id.gs1.org/01/80614141123458/21/6789": "",
		"https://id.gs1.org/01/00071142008583":         "",
		"urn:epc:idpat:sgtin:0614141.*.*":              "",
		"urn:epc:idpat:sgtin:0614141.107346":           "",
		"urn:epc:idpat:grai:0614141.12345.*":           "",
		"https://id.gs1.org/8003/00614141123452":       "",
		"urn:epc:idpat:sgtin:0614141107346..*":         "",
	} {
		if got, ok := EPCClass(uri); got != want || ok != (want != "") {
			t.Errorf("EPCClass(%q) = %q, %v; want %q", uri, got, ok, want)
		}
	}
}

// FuzzEPCHex: an EPC comes back from its URIs, and whatever a URI makes is an EPC that says the same.
func FuzzEPCHex(f *testing.F) {
	for _, s := range []string{"3074257BF7194E4000001A85", "3674257BF6B7A659B2C2BF100000000000000000000000000000", "3774257BF40C0E59B2C2BF1000000000000000000000",
		"3874257BF59B2C2BF10000000000000000000000000000000000", "3174257BF4499602D2000000", "E28011606000020A6681F23F", "urn:epc:id:sgtin:0614141.812345.6789",
		"https://id.gs1.org/8003/006141411234525678", "https://id.gs1.org/01/80614141123458/21/6789", "urn:epc:tag:giai-96:3.0614141.5678"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if uri := TagURI(s); uri != "" {
			back, ok := EPCHex(uri)
			// A tag's memory is whole words: what lies behind the EPC's bits is not the EPC's.
			if up := strings.ToUpper(s); !ok || len(back) < len(s) || TagURI(back) != uri || strings.HasPrefix(uri, "urn:epc:raw:") && back != up {
				t.Fatalf("%s is %s, and back %q, %v", s, uri, back, ok)
			}
		}
		hex, ok := EPCHex(s)
		if !ok {
			return
		}
		uri := EPCURI(hex)
		switch {
		case strings.HasPrefix(s, "urn:epc:raw:"):
		case uri == "":
			t.Fatalf("%s makes %s, which is no EPC", s, hex)
		case strings.HasPrefix(s, "urn:epc:id:") && !strings.Contains(s, "%") && uri != s:
			t.Fatalf("%s makes %s, which is %s", s, hex, uri)
		case strings.HasPrefix(s, "urn:epc:tag:") && !strings.Contains(s, "%") && TagURI(hex) != s:
			t.Fatalf("%s makes %s, which is %s", s, hex, TagURI(hex))
		}
	})
}
